using System.Text.Json;
using MicroCdn.ClusterTests.Tools;
using MicroCdn.Index.Events;
using MicroCdn.Notify;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Somebody outside is told when a server dies: by a URL, and by a command.</summary>
public sealed class NotifyTests
{
    private static readonly FleetEvent What = new(
        7, DateTimeOffset.UnixEpoch, EventKind.Server, Severity.Error, "CS1", "CS1 is dead: $(touch x) `id` \"'");

    [Fact]
    public async Task A_dead_server_and_its_return_are_posted_and_run_after_a_failure_too()
    {
        await using Stage stage = new();
        int calls = 0;
        await using ScriptedOrigin hook = new(call =>
            call.AnswerAsync("", status: Interlocked.Increment(ref calls) == 1 ? "503 No" : "200 OK"));
        string told = Path.Combine(stage.Folder, "told");
        await WriteScriptAsync(stage, $"echo \"$MICROCDN_KIND $MICROCDN_SEVERITY $MICROCDN_SUBJECT $(cat)\" >> {told}");
        await stage.MonitorAsync();
        RunningProcess index = await stage.IndexAsync(
            "--notify", $"{hook.Url}/hook?key=SECRET", "--notify-command", "./tell");
        string files = stage.MakeFiles("files", ("hello.txt", [1]));
        int port = Stage.FreePort();
        RunningProcess content = stage.Content("CS1", files, port);
        await content.UntilLineAsync("holds the tether of CS1");
        await index.UntilLineAsync("CS1 registered");
        content.Kill();
        await Stage.UntilAsync("told of the death", TimeSpan.FromSeconds(20), () => Task.FromResult(
            File.Exists(told) && File.ReadAllText(told).Contains("server error CS1", StringComparison.Ordinal)
            && hook.Calls.Any(IsOfDeath)));
        OriginCall call = hook.Calls.First(IsOfDeath);
        Assert.Equal(("POST", "/hook?key=SECRET", "application/json"),
            (call.Method, call.Target, call.Field("Content-Type")));
        using JsonDocument json = JsonDocument.Parse(call.Body);
        JsonElement dead = json.RootElement.ValueKind == JsonValueKind.Object ? json.RootElement
            : json.RootElement.EnumerateArray().First(one => one.GetProperty("subject").GetString() == "CS1");
        Assert.StartsWith("CS1 is dead: ", dead.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.EndsWith($":{stage.IndexPort}", dead.GetProperty("index").GetString(), StringComparison.Ordinal);
        await stage.RegisteredContentAsync("CS1", files, port);
        await Stage.UntilAsync("told of the return", TimeSpan.FromSeconds(20), () => Task.FromResult(
            File.ReadAllText(told).Contains("server info CS1", StringComparison.Ordinal)
            && hook.Calls.Any(one => one.Body.Contains("\"severity\":\"info\"", StringComparison.Ordinal))));
        Assert.Contains("/... cannot be told what happens, trying on: it answered 503", index.Output,
            StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", index.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_stranger_said_is_no_part_of_a_command_and_what_fails_says_why()
    {
        await using Stage stage = new();
        string tell = await WriteScriptAsync(stage, "echo \"$1 $MICROCDN_TEXT\" >&2; exit 3");
        CommandTarget target = new($"{tell} a;b", "i:5050", TimeProvider.System);
        Assert.Equal($"it ended with 3 and said 'a;b {What.Text}'", await TellAsync(target));
        Assert.StartsWith("it ended with 127 and said '", (await TellAsync(
            new CommandTarget("/nowhere/at-all", "i:5050", TimeProvider.System)))!, StringComparison.Ordinal);
        Assert.Null(await TellAsync(new CommandTarget("true", "i:5050", TimeProvider.System)));
    }

    [Fact]
    public async Task A_command_that_hangs_is_killed_with_all_that_it_started()
    {
        await using Stage stage = new();
        string pid = Path.Combine(stage.Folder, "pid");
        string tell = await WriteScriptAsync(stage, $"(sleep 1000 & echo $! > {pid}.new; mv {pid}.new {pid}); sleep 1000");
        FakeTimeProvider time = new();
        Task<string?> told = TellAsync(new CommandTarget(tell, "i:5050", time));
        await Stage.UntilAsync("it runs", TimeSpan.FromSeconds(20), () => Task.FromResult(File.Exists(pid)));
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(told.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("it did not end in 30 s, and was killed", await told);
        string stat = $"/proc/{(await File.ReadAllTextAsync(pid)).Trim()}/stat";
        // Whoever adopts orphans may be slow to bury them.
        await Stage.UntilAsync("its child ended", TimeSpan.FromSeconds(20), () => Task.FromResult(
            !File.Exists(stat) || File.ReadAllText(stat).Contains(") Z ", StringComparison.Ordinal)));
    }

    private static bool IsOfDeath(OriginCall call) => call.Body.Contains("CS1 is dead: ", StringComparison.Ordinal);

    private static Task<string?> TellAsync(CommandTarget target) =>
        target.TellAsync([What], "{}\n"u8.ToArray(), CancellationToken.None);

    private static async Task<string> WriteScriptAsync(Stage stage, string script)
    {
        string path = Path.Combine(stage.Folder, "tell");
        await File.WriteAllTextAsync(path, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
