using System.Security.Cryptography;
using MicroCdn.Index;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

// docs/protocol.md, version 2: how our content server and our index get on with one another, and with others.
[Collection(FakeNetworkTests.Name)]
public sealed class Version2Tests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(3);

    public static TheoryData<int> Seeds => FakeNetworkTests.Seeds;

    [Theory, MemberData(nameof(Seeds))]
    public Task The_index_learns_the_digest_of_every_file_and_equal_bytes_have_equal_digests(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        for (int n = 0; n < 50; n++)
        {
            foreach (string id in new[] { "CS1", "CS2" }) cluster.Give(id, $"folder/{n} x.bin", [(byte)n, 1, 2]);
        }
        cluster.Give("CS1", "empty", []);
        await cluster.StartAsync("CS1", "CS2");
        await UntilDigest(cluster, "folder/7 x.bin", [7, 1, 2], holders: 2);
        await UntilDigest(cluster, "folder/49 x.bin", [49, 1, 2], holders: 2);
        await UntilDigest(cluster, "empty", [], holders: 1);
        Assert.True(cluster.Index!.Directory.TryFind("empty"u8, out FileEntry entry));
        Assert.Equal(new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds(), entry.UnixSeconds);
        Assert.DoesNotContain(cluster.World.Log.Lines, line => line.Text.Contains("not offered", StringComparison.Ordinal));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_changed_library_is_told_by_its_changes_alone(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        ForeignIndex index = new(cluster, "index", Version2);
        for (int n = 0; n < 300; n++) cluster.Give("CS1", $"{n:D3}.bin", [(byte)n]);
        cluster.StartContent("CS1");
        await UntilTold(cluster, index, 300);
        int before = index.Lines.Count;

        cluster.World.Phase("a file is added, one removed, one edited in its size");
        cluster.Give("CS1", "new file.bin", [1, 2, 3]);
        File.Delete(cluster.World.Folder["CS1/007.bin"]);
        cluster.Give("CS1", "008.bin", [200]);
        File.SetLastWriteTimeUtc(cluster.World.Folder["CS1/008.bin"], new DateTime(2021, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        await cluster.World.UntilAsync(() =>
        {
            Dictionary<string, string> told = Told(index);
            return told.Count == 300 && told.GetValueOrDefault("new%20file.bin") == Facts([1, 2, 3], "1577836800")
                && told.GetValueOrDefault("008.bin") == Facts([200], "1609459200");
        }, "the index is told");
        string[] lines = [.. index.Lines.Skip(before).Select(heard => heard.Line)];
        Assert.Contains("REMOVE_FILE CS1 007.bin", lines);
        Assert.InRange(lines.Count(line => line.StartsWith("ADD_FILE", StringComparison.Ordinal)), 2, 6);
        Assert.Single(index.TimesOf("HELLO"));
        Assert.Single(index.TimesOf("REGISTER"));
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_change_that_is_refused_is_followed_by_a_new_registration(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        bool refuse = false;
        ForeignIndex index = new(cluster, "index", heard =>
        {
            bool refused = refuse && heard.Verb == "DONE_FILES";
            if (refused) refuse = false;
            return refused ? new Reply("ERROR NOT_REGISTERED") : Version2(heard);
        });
        cluster.Give("CS1", "a", [1]);
        cluster.StartContent("CS1");
        await UntilTold(cluster, index, 1);
        refuse = true;
        cluster.Give("CS1", "b", [2]);
        await cluster.World.UntilAsync(() => index.TimesOf("REGISTER").Length == 2, "it registers anew");
        await UntilTold(cluster, index, 2);
    });

    [Fact]
    public Task An_index_of_version_1_is_asked_again_after_ten_minutes_and_then_told_in_version_2() =>
        FakeCluster.RunAsync(1, async cluster =>
    {
        bool knows = false;
        ForeignIndex index = new(cluster, "index", heard => knows ? Version2(heard) : ForeignIndex.Usual(heard));
        cluster.Give("CS1", "a", [1]);
        cluster.StartContent("CS1");
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(610));
        AssertTimes([0, 600], index.TimesOf("HELLO"));
        Assert.Single(index.TimesOf("REGISTER"));
        knows = true;
        await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(600));
        AssertTimes([0, 600, 1200], index.TimesOf("HELLO"));
        AssertTimes([0, 1200], index.TimesOf("REGISTER"));
        Assert.Equal(Facts([1], "1577836800"), Told(index)["a"]);
    });

    [Theory, MemberData(nameof(Seeds))]
    public Task A_server_that_restarts_remembers_its_digests_and_registers_with_them(int seed) =>
        FakeCluster.RunAsync(seed, async cluster =>
    {
        for (int n = 0; n < 20; n++) cluster.Give("CS1", $"{n}.bin", [(byte)n]);
        await cluster.StartAsync("CS1");
        await UntilDigest(cluster, "19.bin", [19], holders: 1);
        await cluster.World.UntilAsync(() => Computations(cluster) == 1, "the digests are written down");

        cluster.World.Phase("CS1 returns with one file more");
        cluster.Kill("CS1");
        cluster.Give("CS1", "more.bin", [77]);
        cluster.Kill("index");
        cluster.StartIndex();
        cluster.StartContent("CS1");
        await UntilDigest(cluster, "19.bin", [19], holders: 1);
        await UntilDigest(cluster, "more.bin", [77], holders: 1);
        Assert.Contains(cluster.World.Log.Lines, line => line.Text.Contains("computed 1 digests", StringComparison.Ordinal));
    });

    // What a version 2 index of somebody else would answer.
    private static Reply Version2(Heard heard) => heard.Verb switch
    {
        "HELLO" => new Reply("WELCOME MICRO-CDN 2"),
        "REMOVE_FILE" => new Reply(null),
        _ => ForeignIndex.Usual(heard),
    };

    // The files as the last complete registration and the changes since then have told them.
    private static Dictionary<string, string> Told(ForeignIndex index)
    {
        Dictionary<string, string> told = [], open = [];
        foreach (string[] words in index.Lines.Select(heard => heard.Line.Split(' ')))
        {
            if (words[0] == "REGISTER") open = [];
            else if (words[0] == "ADD_FILE") open[words[2]] = string.Join(' ', words[3..]);
            else if (words[0] == "REMOVE_FILE") Assert.True(open.Remove(words[2]), words[2]);
            else if (words[0] == "DONE_FILES") told = new(open);
        }
        return told;
    }

    private static string Facts(byte[] bytes, string time) =>
        $"{bytes.Length} sha256={Convert.ToHexStringLower(SHA256.HashData(bytes))} time={time}";

    private static Task UntilTold(FakeCluster cluster, ForeignIndex index, int files) => cluster.World.UntilAsync(
        () => Told(index) is { } told && told.Count == files
            && told.Values.All(facts => facts.Contains("sha256=", StringComparison.Ordinal)),
        $"{files} digests are told", Soon);

    private static Task UntilDigest(FakeCluster cluster, string name, byte[] bytes, int holders) =>
        cluster.World.UntilAsync(() =>
            cluster.Index!.Directory.TryFind(System.Text.Encoding.UTF8.GetBytes(name), out FileEntry entry)
            && entry.Count == holders && entry.Size == bytes.Length
            && entry.Digest.ToString() == Convert.ToHexStringLower(SHA256.HashData(bytes)),
            $"the index knows {name}", Soon);

    private static int Computations(FakeCluster cluster) =>
        cluster.World.Log.Lines.Count(line => line.Text.Contains("computed", StringComparison.Ordinal));

    private static void AssertTimes(int[] seconds, TimeSpan[] times)
    {
        Assert.Equal(seconds.Length, times.Length);
        foreach ((int second, TimeSpan time) in seconds.Zip(times))
        {
            Assert.InRange(time.TotalSeconds, second - 0.2, second + 0.2);
        }
    }
}
