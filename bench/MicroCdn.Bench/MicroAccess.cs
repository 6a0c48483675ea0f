using System.Net;
using System.Text;
using BenchmarkDotNet.Attributes;
using MicroCdn.Access;
using MicroCdn.Http;
using MicroCdn.Network;
using Microsoft.Extensions.Logging.Abstractions;

namespace MicroCdn.Bench;

/// <summary>What rules cost: a signature, a rate, and a request that is refused against one that is served.</summary>
[MemoryDiagnoser]
public class MicroAccess
{
    private const int Batch = 10;
    private const int Clients = 1 << 14;

    private static readonly LinkKeys Keys = LinkKeys.TryParse(new string('k', 64), out LinkKeys? keys, out _) ? keys!
        : throw new BenchException("No keys.");

    private readonly byte[] _path = "/members/films/2026/film.mp4"u8.ToArray();
    private readonly byte[] _query = Encoding.ASCII.GetBytes(SignedLink.Sign(Keys, "/members/films/2026/film.mp4",
        false, 4_000_000_000));
    private readonly byte[] _lines = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(
        "GET /releases/1/file.bin HTTP/1.1\r\nHost: localhost:8443\r\nUser-Agent: h2load nghttp2/1.52.0\r\n\r\n",
        Batch)));
    private readonly IPAddress[] _clients = [.. Enumerable.Range(0, Clients).Select(number =>
        new IPAddress([10, (byte)(number >> 16), (byte)(number >> 8), (byte)number]))];

    private readonly AccessTable _rates = Table("/ rate=1000000/s burst=1000000");
    private Network.Conversation _open = null!;
    private Network.Conversation _rated = null!;
    private Network.Conversation _shut = null!;
    private int _next;

    /// <summary>Begins the conversations.</summary>
    [GlobalSetup]
    public void Begin()
    {
        _open = Conversation(null);
        _rated = Conversation(_rates);
        _shut = Conversation(Table("/releases/ deny"));
    }

    /// <summary>A good link of one file.</summary>
    [Benchmark]
    public LinkFault Signature() => SignedLink.Check(Keys, _path, _query, IPAddress.Loopback, 1_700_000_000);

    /// <summary>A rate, for one client of 16,384 after the other.</summary>
    [Benchmark]
    public bool Rate() => _rates.Judge(new Visit
    {
        Path = _path, Client = _clients[_next++ & (Clients - 1)], Ticks = _next,
    }).IsAdmitted;

    /// <summary>A request for 1 KiB, without rules.</summary>
    [Benchmark(OperationsPerInvoke = Batch, Baseline = true)]
    public void Served() => Ask(_open);

    /// <summary>The same, with a rate.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public void ServedAtRate() => Ask(_rated);

    /// <summary>The same, refused.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public void Refused() => Ask(_shut);

    private void Ask(Network.Conversation conversation)
    {
        conversation.Receive(_lines, Environment.TickCount64);
        MicroRequests.Drain(conversation);
    }

    private static Network.Conversation Conversation(AccessTable? table) => new HttpService(
        new Kibibyte(), new TrustedNetworks([]),
        new Complaints(NullLogger.Instance, TimeProvider.System), TimeProvider.System)
    {
        Gate = table is null ? null : new Gate(TimeProvider.System) { Table = table },
    }.Begin(new Loopback(), new Answer(new BufferPool(), null), 0);

    private static AccessTable Table(string rule) => RuleText.TryParse(rule, out AccessRule? read, out string wrong)
        ? new AccessTable([read!], null, null, 12345) : throw new BenchException(wrong);
}
