using System.Diagnostics;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>What cannot be published is refused by a sentence and a code, and nothing of it is there
/// afterwards.</summary>
public sealed class PublishBadInputTests(PublishBadInputTests.Fleet fleet) : IClassFixture<PublishBadInputTests.Fleet>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    public static TheoryData<string[]> WrongNames => [.. new string[][]
    {
        ["put", "file", "../x"], ["put", "file", "/etc/x"], ["put", "file", "a/../x"], ["put", "file", "a//x"],
        ["put", "file", new string('n', 1025)], ["put", "file", "a", "--stage", "two words"],
        ["put", "folder", "../x"], ["put", "folder", "/etc"], ["sync", "folder", "../x"], ["mv", "file", "../x"],
        ["mv", "../x", "file"], ["rm", "../x"], ["stat", "../x"], ["activate", ""], ["unstage", new string('r', 65)],
    }];

    [Theory]
    [MemberData(nameof(WrongNames))]
    public async Task A_name_that_is_none_is_refused_before_anybody_is_asked(string[] words)
    {
        string said = await fleet.RunAsync(2, words);
        Assert.Matches("wants (a relative path without '..', at most 1,024 bytes|one word of at most 64 bytes)", said);
    }

    [Theory]
    [InlineData("put", "pipe", "device, a pipe"), InlineData("put", "/dev/zero", "device, a pipe")]
    [InlineData("put", "/dev/null", "device, a pipe"), InlineData("put", "nowhere", "cannot be read")]
    [InlineData("put", "socket", "device, a pipe")]
    public async Task What_is_no_file_is_not_waited_for(string verb, string path, string said)
    {
        Assert.Contains(said, await fleet.RunAsync(1, verb, path, "a"), StringComparison.Ordinal);
        Assert.Contains("ERROR FILE_NOT_FOUND", await fleet.AskAsync("STAT a"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_folder_the_files_are_published_and_what_is_none_is_passed_over()
    {
        string said = await fleet.RunAsync(0, "put", "folder", "in/", "--replicas", "1");
        Assert.Contains("1 files (5 B) published", said, StringComparison.Ordinal);
        // Two links, a pipe, a socket, a name that is no text, and one that is too long.
        Assert.Contains("6 links, pipes, devices, or files whose names are none", said, StringComparison.Ordinal);
        Assert.Single((await fleet.AskAsync("PUBLISHED in/")).Split('\n'), line => line.StartsWith("NAME ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_has_no_room_is_refused_and_leaves_nothing()
    {
        string said = await fleet.RunAsync(6, "put", "large", "large", "--replicas", "1");
        Assert.Contains("room", said, StringComparison.Ordinal);
        Assert.Contains("ERROR FILE_NOT_FOUND", await fleet.AskAsync("STAT large"), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(fleet.Stage.MakeFolder("state"), "*.part*", SearchOption.AllDirectories));
        await fleet.RunAsync(0, "put", "file", "small", "--replicas", "1");
    }

    [Fact]
    public async Task A_client_whose_clock_or_files_are_wrong_by_years_publishes_all_the_same()
    {
        foreach ((string name, int year) in new[] { ("past", 1969), ("first", 1970), ("future", 2400) })
        {
            string path = Path.Combine(fleet.Stage.Folder, name);
            await File.WriteAllTextAsync(path, name);
            File.SetLastWriteTimeUtc(path, new DateTime(year, 6, 1, 0, 0, 0, DateTimeKind.Utc));
            await fleet.RunAsync(0, "put", name, "--replicas", "1");
            Assert.StartsWith($"SERVER 127.0.0.1 {fleet.Port} CS1 ", await Stage.ConverseAsync(fleet.Stage.IndexPort, $"GET {name}\n"),
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_second_index_on_the_folder_and_one_on_a_damaged_book_say_so_and_end()
    {
        await using Stage first = new();
        string empty = first.MakeFolder("index");
        await first.IndexAsync("--data", empty);
        await using Stage other = new();
        RunningProcess second = other.MicroCdn(
            "index", "--port", $"{other.IndexPort}", "--data", empty);
        Assert.NotEqual(0, await second.UntilEndAsync(Soon));
        Assert.Contains("another process uses the folder", second.Output, StringComparison.Ordinal);

        string folder = other.MakeFolder("index");
        await File.WriteAllTextAsync(Path.Combine(folder, "book.db"), "this is no database");
        RunningProcess damaged = other.MicroCdn("index", "--port", $"{other.IndexPort}", "--data", folder);
        Assert.NotEqual(0, await damaged.UntilEndAsync(Soon));
        Assert.Contains("book.db' is damaged: it is no SQLite database", damaged.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", second.Output + damaged.Output, StringComparison.Ordinal);
    }

    /// <summary>An index and a content server that keeps a mebibyte; and files that are none.</summary>
    public sealed class Fleet : IAsyncLifetime
    {
        internal Stage Stage { get; } = new();

        public int Port { get; } = Processes.Stage.FreePort();

        public async ValueTask InitializeAsync()
        {
            await Stage.IndexAsync("--data", Stage.MakeFolder("index"));
            await Stage.RegisteredContentAsync("CS1", Stage.MakeFolder("files"), Port,
                "--data", Stage.MakeFolder("state"), "--publish-size", "1MiB", "--publish-free", "0");
            await Stage.UntilPublishesOnAsync("CS1");
            Processes.Stage.WriteFile(Path.Combine(Stage.Folder, "file"), "small"u8.ToArray());
            Processes.Stage.WriteFile(Path.Combine(Stage.Folder, "large"), new byte[2 << 20]);
            const string Script = """
                mkfifo pipe; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
                mkdir folder; printf small > folder/file; mkfifo folder/pipe; cp -l socket folder/; ln -s /etc/passwd folder/out
                ln -s . folder/loop; printf x > "folder/$(printf 'bad\377')"; ln -s missing nowhere; cd folder
                for n in 1 2 3 4 5; do mkdir $(printf 'n%.0s' $(seq 250)); cd $(printf 'n%.0s' $(seq 250)); done; printf x > file
                """;
            RunningProcess made = Stage.Run("bash", "-c", Script);
            Assert.True(await made.UntilEndAsync(Soon) == 0, made.Output);
        }

        public async ValueTask DisposeAsync()
        {
            // Whose name is no text cannot be deleted by it.
            await Stage.Run("rm", "-rf", "folder").UntilEndAsync(Soon);
            await Stage.DisposeAsync();
        }

        internal async Task<string> RunAsync(int code, params string[] words)
        {
            long began = Stopwatch.GetTimestamp();
            RunningProcess process = Stage.MicroCdn([.. words, "--index-port", $"{Stage.IndexPort}"]);
            int ended = await process.UntilEndAsync(Soon);
            Assert.True(ended == code, $"{ended} instead of {code} after {Stopwatch.GetElapsedTime(began)}: {process.Output}");
            Assert.DoesNotContain("   at ", process.Output, StringComparison.Ordinal);
            return process.Output;
        }

        internal Task<string> AskAsync(string line) => Processes.Stage.ConverseAsync(Stage.IndexPort, $"HELLO 2\n{line}\n");
    }
}
