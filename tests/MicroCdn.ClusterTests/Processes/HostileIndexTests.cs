using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>An index that says what it likes: nothing of it is obeyed by the terminal of whoever asked, and no number of
/// it breaks a verb.</summary>
public sealed class HostileIndexTests : IAsyncDisposable
{
    private const string Evil = "\u001b[2J\u009b31m\u0007";
    private const string Far = "9223372036854775807";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly Stage _stage = new();
    private readonly CancellationTokenSource _end = new();

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _stage.DisposeAsync();
        _end.Dispose();
    }

    [Theory]
    [InlineData(0, "status"), InlineData(0, "status", "--json"), InlineData(0, "stat", "a"), InlineData(0, "stat", "a", "--json")]
    [InlineData(0, "releases"), InlineData(0, "releases", "--json"), InlineData(0, "activate", "r"), InlineData(0, "rollback")]
    [InlineData(1, "policy", "list"), InlineData(1, "mv", "a", "b"), InlineData(1, "server", "resume", "CS1")]
    [InlineData(0, "sync", "folder", "/", "--dry-run", "--delete")]
    public async Task What_an_index_says_stays_text(int code, params string[] words)
    {
        int port = Listen();
        _stage.MakeFolder("folder");
        RunningProcess verb = _stage.MicroCdn([.. words, "--index-port", $"{port}"]);
        int ended = await verb.UntilEndAsync(Soon);
        Assert.True(ended == code, $"{ended}: {verb.Output}");
        Assert.DoesNotContain(verb.Output, c => char.IsControl(c) && c != '\n');
        Assert.Contains("x", verb.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", verb.Output, StringComparison.Ordinal);
    }

    private int Listen()
    {
        TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        _ = Task.Run(async () =>
        {
            using TcpListener ends = listener;
            while (true) _ = ServeAsync(await listener.AcceptTcpClientAsync(_end.Token));
        });
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient ends = client;
        using StreamReader lines = new(client.GetStream());
        while (await lines.ReadLineAsync(_end.Token) is { } line)
        {
            await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(AnswerTo(line.Split(' ')[0])), _end.Token);
        }
    }

    private static string AnswerTo(string verb) => verb switch
    {
        "HELLO" => "WELCOME MICRO-CDN 2\n",
        "WRITER" => "END\n",
        "STATUS" => $"STATUS names={Far} copies={Far} there={Far} making={Far} missing={Far} stuck={Far} lost={Far} "
            + $"left={Far} speed={Far} seconds={Far}\nSERVER x{Evil} state=x{Evil} copies={Far} capacity={Far} free={Far} "
            + $"left={Far} wrong={Far}\nLOST x%1B[2J\nLOST x{Evil}\nEND\n",
        "STAT" => $"NAME x%1B[2J%0A {Far} {Far} sha256={new string('a', 64)} time={Far} copies={Far}\n"
            + $"SERVER {Evil} 7001 x{Evil} 5 state=x{Evil}\nEND\n",
        "PUBLISHED" => $"NAME x%1B[2J%0A {Far} {Far} sha256={new string('a', 64)} time={Far}\nEND\n",
        "RELEASES" => $"RELEASE x{Evil} x{Evil} {Far} {Far} {Far} time={Far}\nEND\n",
        "ACTIVATE" => $"COPIES {Far} {Far}\nACTIVATED {Far} {Far}\nSHOWN x{Evil}\nLATE x{Evil}\nEND\n",
        "ROLLBACK" => $"ROLLED_BACK {Far} {Far} release=x{Evil} kept={Far}\nSHOWN x{Evil}\nEND\n",
        "POLICIES" => $"POLICY x%1B[2J replicas={Far} server=x{Evil}\nEND\n",
        _ => $"ERROR x{Evil}\n",
    };
}
