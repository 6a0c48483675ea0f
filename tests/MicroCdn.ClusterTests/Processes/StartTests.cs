using System.Net;
using System.Net.Sockets;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>The command line: every wrong start is one sentence that says what to do, and exit code 2.</summary>
public sealed class StartTests
{
    [Theory]
    [InlineData("--port", "index --port 70000")]
    [InlineData("--port", "index --port abc")]
    [InlineData("--nope", "index --nope")]
    [InlineData("--timeout", "monitor --timeout -3")]
    [InlineData("--index", "monitor --index nowhere")]
    [InlineData("--trust", "index --trust 10.0.0.0/99")]
    [InlineData("--bind", "index --bind here")]
    [InlineData("--server-id", "content --files .")]
    [InlineData("--server-id", "content --files . --server-id two\u00A0words")]
    [InlineData("--zone-network", "index --zone-network 10.0.0.0/8")]
    [InlineData("--zone-network", "up --zone-network berlin=10.0.0.0/8")]
    [InlineData("--geo", "index --geo ''")]
    [InlineData("no such file", "index --geo does-not-exist")]
    [InlineData("no country file", "index --geo /proc/self/exe")]
    [InlineData("no regular file", "up --files . --geo /dev/zero")]
    [InlineData("no folder", "content --server-id CS1 --files does-not-exist")]
    [InlineData("no folder", "up --files does-not-exist")]
    [InlineData("--data", "content --server-id CS1 --files . --data ./state")]
    [InlineData("no file name", "get ../x")]
    [InlineData("FILE", "get")]
    [InlineData("--frob", "get a.txt --frob")]
    [InlineData("frobnicate", "frobnicate")]
    [InlineData("at most 65533", "up --files . --content-port 65535")]
    [InlineData("at most 65433", "up --files . --files . --content-port 65500")]
    [InlineData("--data", "up --data /proc/x")]
    [InlineData("--data", "up --data /dev/null")]
    [InlineData("--data", "up --data ''")]
    [InlineData("--files", "up --files ''")]
    [InlineData("--files", "content --server-id CS1 --files ''")]
    [InlineData("--out", "get a.txt --out ''")]
    [InlineData("--direct-host", "get a.txt --direct-port 7001")]
    [InlineData("make it", "content --server-id CS1 --files does-not-exist")]
    public async Task A_wrong_start_is_one_sentence_and_exit_code_2(string named, string line)
    {
        await using Stage stage = new();
        RunningProcess process = stage.MicroCdn(line.Split(' ').Select(word => word == "''" ? "" : word));
        Assert.True(await process.UntilEndAsync() == 2, process.Output);
        Assert.Contains(named, process.Output, StringComparison.Ordinal);
        Assert.StartsWith("microcdn: ", process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", process.Output, StringComparison.Ordinal);
        Assert.True(process.Output.Split('\n').Length <= 2, process.Output);
    }

    [Theory]
    [InlineData("index --port {tcp}", "TCP port {tcp}")]
    [InlineData("monitor --tcp-port {tcp} --udp-port {free}", "TCP port {tcp}")]
    [InlineData("monitor --tcp-port {free} --udp-port {udp}", "UDP port {udp}")]
    [InlineData("content --server-id CS1 --files . --tcp-port {tcp} --udp-port {free}", "TCP port {tcp}")]
    [InlineData("content --server-id CS1 --files . --tcp-port {free} --udp-port {udp}", "UDP port {udp}")]
    public async Task A_port_in_use_is_named(string line, string named)
    {
        await using Stage stage = new();
        using TcpListener tcp = new(IPAddress.Any, Stage.FreePort());
        tcp.Start();
        using UdpClient udp = new(Stage.FreePort());
        string Fill(string text) => text.Replace("{tcp}", $"{((IPEndPoint)tcp.LocalEndpoint).Port}", StringComparison.Ordinal)
            .Replace("{udp}", $"{((IPEndPoint)udp.Client.LocalEndPoint!).Port}", StringComparison.Ordinal)
            .Replace("{free}", $"{Stage.FreePort()}", StringComparison.Ordinal);
        RunningProcess process = stage.MicroCdn(Fill(line).Split(' '));
        Assert.True(await process.UntilEndAsync() == 2, process.Output);
        Assert.Contains(Fill(named), process.Output, StringComparison.Ordinal);
        Assert.Contains("already in use", process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_client_verb_and_get_are_the_same()
    {
        await using Stage stage = new();
        string folder = stage.MakeFiles("one", ("a.txt", "a"u8.ToArray()));
        int port = Stage.FreePort();
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", folder, port);
        foreach (string verb in new[] { "client", "get" })
        {
            RunningProcess client = stage.MicroCdn(verb, "a.txt", "--index-port", $"{stage.IndexPort}");
            Assert.True(await client.UntilEndAsync() == 0, client.Output);
            Assert.Equal("a", await File.ReadAllTextAsync(Path.Combine(stage.Folder, "downloads", "a.txt")));
            Directory.Delete(Path.Combine(stage.Folder, "downloads"), recursive: true);
        }
        RunningProcess direct = stage.MicroCdn(
            "get", "a.txt", "--direct-host", "127.0.0.1", "--direct-port", $"{port}", "--out", "direct.txt");
        Assert.True(await direct.UntilEndAsync() == 0, direct.Output);
        Assert.Equal("a", await File.ReadAllTextAsync(Path.Combine(stage.Folder, "direct.txt")));
    }

    [Fact]
    public async Task The_client_says_what_went_wrong_by_its_exit_code()
    {
        await using Stage stage = new();
        // No index.
        Assert.Equal(4, (await stage.GetAsync("a.txt")).Code);
        Assert.Equal(4, await stage.MicroCdn("ls", "--index-port", $"{stage.IndexPort}").UntilEndAsync());

        // A host that no name server can know.
        RunningProcess nowhere = stage.MicroCdn("get", "a.txt", "--index-host", new string('x', 300));
        Assert.True(await nowhere.UntilEndAsync() == 4, nowhere.Output);
        Assert.DoesNotContain("   at ", nowhere.Output, StringComparison.Ordinal);

        // Some of several.
        await stage.IndexAsync();
        await stage.RegisteredContentAsync("CS1", stage.MakeFiles("one", ("a.txt", "a"u8.ToArray())), Stage.FreePort());
        Assert.Equal(7, (await stage.GetAsync("a.txt", "nope")).Code);
        Assert.Equal(3, (await stage.GetAsync("nope", "nope2")).Code);

        // A target that cannot be written.
        Stage.WriteFile(Path.Combine(stage.Folder, "file"), [1]);
        (int code, string output) = await stage.GetAsync("a.txt", "--out", "file/below");
        Assert.True(code == 1, output);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_gone_and_has_no_twin_is_unreachable_and_harms_no_existing_target()
    {
        await using Stage stage = new();
        RunningProcess index = await stage.IndexAsync();
        RunningProcess content =
            await stage.RegisteredContentAsync("CS1", stage.MakeFiles("one", ("a.txt", "a"u8.ToArray())), Stage.FreePort());
        content.Kill();
        await content.UntilEndAsync();
        Stage.WriteFile(Path.Combine(stage.Folder, "kept.txt"), "old"u8.ToArray());
        (int code, string output) = await stage.GetAsync("a.txt", "--out", "kept.txt");
        Assert.True(code == 4, output);
        Assert.Equal("old", await File.ReadAllTextAsync(Path.Combine(stage.Folder, "kept.txt")));
        Assert.Empty(Directory.GetFiles(stage.Folder, "*.part"));
        Assert.Empty(Directory.GetFiles(stage.Folder, ".*"));
        Assert.False(index.HasExited);
    }
}
