using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>Whoever presses Ctrl-C while an index says nothing gets the terminal back at once.</summary>
public sealed class InterruptedVerbTests
{
    private static readonly string[] Verbs =
    [
        "get a --index-port P", "ls --index-port P", "servers --index-port P --monitor-tcp-port P",
        "put file a --index-port P", "rm a --index-port P", "mv a b --index-port P", "stat a --index-port P",
        "sync folder x --index-port P", "releases --index-port P", "activate r --index-port P",
        "rollback --index-port P", "unstage r --index-port P", "status --index-port P", "policy list --index-port P",
        "policy set / --index-port P", "policy rm x --index-port P", "server retire CS1 --index-port P",
        "server resume CS1 --index-port P", "purge /a --index-port P", "token add --index-port P",
        "token list --index-port P", "token rm 0123456789ab --index-port P", "drain CS1 --monitor-tcp-port P",
        "resume CS1 --monitor-tcp-port P", "explain a --admin http://127.0.0.1:P", "top --admin http://127.0.0.1:P",
        "logs --follow --admin http://127.0.0.1:P", "notify test --admin http://127.0.0.1:P",
        "doctor --index-port P --monitor-tcp-port P --admin http://127.0.0.1:P",
    ];

    // `bench/run interrupt` measures all of them. Here the machine is busy with other tests; what is slow by itself is so
    // each time.
    private static readonly TimeSpan Most = TimeSpan.FromMilliseconds(200);
    private const int Times = 8;

    [Fact]
    public async Task Each_verb_ends_with_130_within_200_ms_though_nobody_answers_it()
    {
        await using Stage stage = new();
        stage.MakeFiles(".", ("file", [1]), ("folder/file", [1]));
        foreach (string verb in Verbs)
        {
            await Measured.OnceOfAsync(Times, async () =>
            {
                TimeSpan took = await InterruptAsync(stage, verb);
                return took < Most ? null : $"{verb}: {took.TotalMilliseconds:F0} ms";
            });
        }
    }

    private static async Task<TimeSpan> InterruptAsync(Stage stage, string verb)
    {
        CancellationToken over = TestContext.Current.CancellationToken;
        using TcpListener hanging = new(IPAddress.Loopback, 0);
        hanging.Start();
        int port = ((IPEndPoint)hanging.LocalEndpoint).Port;
        RunningProcess process = stage.MicroCdn(verb.Replace(" P", $" {port}", StringComparison.Ordinal)
            .Replace(":P", $":{port}", StringComparison.Ordinal).Split(' '));
        using TcpClient asked = await hanging.AcceptTcpClientAsync(over).AsTask()
            .WaitAsync(TimeSpan.FromSeconds(30), over);
        await asked.GetStream().ReadAsync(new byte[1], over).AsTask().WaitAsync(TimeSpan.FromSeconds(30), over);
        long began = Stopwatch.GetTimestamp();
        process.PressControlC();
        int code = await process.UntilEndAsync();
        TimeSpan took = Stopwatch.GetElapsedTime(began);
        Assert.True(code == 130, $"{verb}: {code} and {process.Output}");
        Assert.DoesNotContain("   at ", process.Output, StringComparison.Ordinal);
        return took;
    }

    [Fact]
    public async Task Whoever_is_asked_for_a_token_may_leave_too()
    {
        await using Stage stage = new();
        RunningProcess shell = stage.Run("bash", "-c", "mkfifo keys; "
            + $"timeout 20 script -qec '{Stage.MicroCdnProgram} key join 127.0.0.1:9' /dev/null < keys > screen & "
            + "exec 3> keys; for n in $(seq 200); do grep -q 'Token: ' screen && break; sleep 0.05; done; "
            + "printf '\\003' >&3; wait $!; echo code $?");
        Assert.Equal(0, await shell.UntilEndAsync());
        Assert.Contains("code 130", shell.Output, StringComparison.Ordinal);
    }
}
