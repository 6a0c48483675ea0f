using System.Net;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Rules and signed links, by the commands that a new user types.</summary>
public sealed class AccessTests
{
    [Fact]
    public async Task A_signed_link_leads_through_the_index_to_the_file_and_nothing_else_does()
    {
        await using Stage stage = new();
        stage.MakeFiles("one", ("members/film.txt", "the film"u8.ToArray()), ("open.txt", "open"u8.ToArray()));
        await DoneAsync(stage.MicroCdn("key", "links", "--out", "links.key"));
        int gateway = Stage.FreePort(), port = Stage.FreePort();
        string[] rules = ["--rule", "/members/ signed", "--link-key", "links.key"];
        await stage.IndexAsync(["--http-port", $"{gateway}", .. rules]);
        stage.Content("CS1", "one", Stage.FreePort(), ["--http-port", $"{port}", .. rules]);
        using HttpClient client = new() { BaseAddress = new Uri($"http://127.0.0.1:{gateway}") };
        await Stage.UntilAsync("the index knows the files", TimeSpan.FromSeconds(20), async () =>
        {
            using HttpResponseMessage found = await client.GetAsync("/open.txt");
            return found.StatusCode == HttpStatusCode.OK;
        });

        foreach (string server in (string[])[$"http://127.0.0.1:{gateway}", $"http://127.0.0.1:{port}"])
        {
            using HttpResponseMessage refused = await client.GetAsync($"{server}/members/film.txt");
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            string link = (await DoneAsync(stage.MicroCdn("sign", $"{server}/members/film.txt", "--link-key",
                "links.key", "--for", "5m"))).Trim();
            Assert.Equal("the film", await client.GetStringAsync(link));
            using HttpResponseMessage altered = await client.GetAsync(link[..^1]);
            Assert.Equal(HttpStatusCode.Forbidden, altered.StatusCode);
        }
        string folder = (await DoneAsync(stage.MicroCdn("sign", "/members/", "--folder", "--link-key", "links.key",
            "--network", "127.0.0.0/8"))).Trim();
        Assert.Equal("the film", await client.GetStringAsync(folder.Replace("/members/?", "/members/film.txt?",
            StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("/a signd", "--rule '/a signd': there is no 'signd'; did you mean 'signed'?")]
    [InlineData("/a signed", "signed links need --link-key FILE; 'microcdn key links' makes one")]
    public async Task What_cannot_be_meant_ends_the_start_with_one_sentence(string rule, string said)
    {
        await using Stage stage = new();
        stage.MakeFiles("one", ("a.txt", "a"u8.ToArray()));
        RunningProcess content = stage.Content("CS1", "one", Stage.FreePort(), "--http-port", $"{Stage.FreePort()}",
            "--rule", rule);
        Assert.True(await content.UntilEndAsync() == 2, content.Output);
        Assert.Contains($"microcdn: {said}", content.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_others_can_read_is_refused()
    {
        await using Stage stage = new();
        string path = Path.Combine(stage.Folder, "links.key");
        await File.WriteAllTextAsync(path, new string('k', 40));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        RunningProcess sign = stage.MicroCdn("sign", "/a", "--link-key", "links.key");
        Assert.Equal(2, await sign.UntilEndAsync());
        Assert.Contains("is open to others than its owner: chmod 600 links.key", sign.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_in_a_file_are_taken_anew_while_a_download_goes_on_and_bad_ones_are_not()
    {
        await using Stage stage = new();
        stage.MakeFiles("one", ("a.txt", "a"u8.ToArray()));
        string file = Path.Combine(stage.Folder, "fleet.json");
        await File.WriteAllTextAsync(file, "{}");
        int port = Stage.FreePort();
        RunningProcess content = stage.Content("CS1", "one", Stage.FreePort(), "--http-port", $"{port}",
            "--config", "fleet.json");
        using HttpClient client = new() { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await UntilAsync(HttpStatusCode.OK);

        await File.WriteAllTextAsync(file, """{"rule": "/ deny"}""");
        await UntilAsync(HttpStatusCode.Forbidden);
        await File.WriteAllTextAsync(file, """{"rule": "/ alow"}""");
        await content.UntilLineAsync("the settings before stay in use: fleet.json: key 'rule': --rule '/ alow': there "
            + "is no 'alow'; did you mean 'allow'?");
        await UntilAsync(HttpStatusCode.Forbidden);
        await File.WriteAllTextAsync(file, """{"rule": "/ allow", "tcpPort": 1}""");
        await UntilAsync(HttpStatusCode.OK);
        await content.UntilLineAsync("changed: --rule");

        Task UntilAsync(HttpStatusCode status) => Stage.UntilAsync($"{status}", TimeSpan.FromSeconds(20), async () =>
        {
            try
            {
                using HttpResponseMessage response = await client.GetAsync("/a.txt");
                return response.StatusCode == status;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
    }

    private static async Task<string> DoneAsync(RunningProcess process)
    {
        Assert.True(await process.UntilEndAsync() == 0, process.Output);
        return process.Output;
    }
}
