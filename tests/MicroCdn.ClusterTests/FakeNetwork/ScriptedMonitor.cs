using System.Net;
using System.Text;
using MicroCdn.Content;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>A monitor in a few lines: it notes lines and datagrams, and answers as a test says.</summary>
internal sealed class ScriptedMonitor
{
    private readonly Lock _lock = new();
    private readonly List<(TimeSpan At, string Text)> _datagrams = [];
    private readonly ForeignIndex _lines;
    private readonly IDatagramPort _port;

    public ScriptedMonitor(FakeCluster cluster, Func<Heard, Reply> reply, string host = "monitor")
    {
        _lines = new ForeignIndex(cluster, host, reply, FakeCluster.MonitorPort);
        _port = cluster.Network.Host(host).Datagrams.Bind(new IPEndPoint(IPAddress.Any, 6000));
        _port.Receive((datagram, _, _) =>
        {
            string text = Encoding.UTF8.GetString(datagram);
            lock (_lock) _datagrams.Add((cluster.World.Now, text));
        });
    }

    public IReadOnlyList<Heard> Lines => _lines.Lines;

    public (TimeSpan At, string Text)[] Datagrams
    {
        get
        {
            lock (_lock) return [.. _datagrams];
        }
    }

    /// <summary>Datagrams that are no heartbeats.</summary>
    public string[] Answers =>
        [.. Datagrams.Select(one => one.Text).Where(text => !text.StartsWith("HEARTBEAT", StringComparison.Ordinal))];

    public void Ask(IPAddress server, string datagram) =>
        _port.Send(Encoding.UTF8.GetBytes(datagram), new IPEndPoint(server, 7002));

    /// <summary>The answers of a monitor of version 2.</summary>
    public static Reply Version2(Heard heard) => heard.Verb switch
    {
        "HELLO" => new Reply("WELCOME MICRO-CDN 2"),
        "TETHER" => new Reply("OK TETHERED"),
        "BYE" => new Reply("OK BYE"),
        _ => new Reply("ERROR UNKNOWN_COMMAND"),
    };

    /// <summary>The answers of one of version 1.</summary>
    public static Reply Version1(Heard heard) => new("ERROR UNKNOWN_COMMAND", TimeSpan.Zero);

    /// <summary>Starts CS1 on its host, with one file.</summary>
    public static ContentRole StartContent(FakeCluster cluster, Func<ContentOptions, ContentOptions>? change = null)
    {
        FakeHost machine = cluster.Network.Host("cs1");
        cluster.Give("CS1", "hello.txt", [1]);
        ServerId.TryCreate("CS1", out ServerId id);
        ContentOptions options = new()
        {
            Id = id,
            Files = cluster.World.Folder["CS1"],
            IndexHost = "index",
            MonitorHost = "monitor",
            State = cluster.World.Folder["state of CS1"],
            InBackground = Task.Run,
        };
        ContentRole role = new(
            change?.Invoke(options) ?? options, machine.Dialer, machine.Datagrams, machine.Time, machine.Loggers);
        machine.Attach(role);
        return role;
    }
}
