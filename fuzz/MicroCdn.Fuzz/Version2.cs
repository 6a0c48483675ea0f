using MicroCdn.Client;
using MicroCdn.Protocol;

namespace MicroCdn.Fuzz;

/// <summary>The parsers of version 2: detection, chunks, authentication, and what the client reads.</summary>
internal static class Version2
{
    private const string Hex16 = "0123456789abcdef";
    private const string Mac = Hex16 + Hex16;
    private const string Digest = Mac + Mac;

    public static Target[] All { get; } =
    [
        new("detection", Detection, "TETHER CS1 7001 7002 inc=7 beat=100",
            "SERVER_UP CS1 1700000000 inc=7 ev=3 state=returning", "STATE CS1 suspect inc=7 ev=1", "DOUBT on",
            "REPORT a%20b.txt CS1 wrong", "MONITOR m1 a=b"),
        new("datagrams", Datagrams, "HEARTBEAT CS1 10.0.0.1 7001 3 42 inc=7 seq=1042 gap=103 k=2f1c0a3b mac=" + Mac,
            "PONG CS1 nonce=" + Hex16 + " inc=7 k=2f1c0a3b mac=" + Mac),
        new("chunks", ChunkLines, "LOCATE a%20b.txt not=CS1 not=CS2", "RANGE 1048576 1048576 a%20b.txt",
            "CHUNKS a%20b.txt"),
        new("publishing", Publishing, $"PLACE a%20b 3 sha256={Digest} time=7 replicas=2 spread=1 new=1 release=v2",
            $"PUBLISH a 2000000 sha256={Digest} chunks={Digest} at=CS1 at=CS2", "ORDERS CS1 capacity=9 free=7 busy=1",
            $"FETCH 7 3 sha256={Digest} name=a from=127.0.0.1:7001", $"SHOW 7 a sha256={Digest} revision=3 time=7",
            "DROP 7 a revision=4", $"FORGET 7 sha256={Digest}", "DONE CS1 7 stale=1", "FAILED CS1 7 MISSING why=no",
            $"STORED CS1 p sha256={Digest} size=3 chunks={Digest}", $"LOST CS1 sha256={Digest}",
            $"STORE 3 sha256={Digest} put=p",
            $"TOKEN_ADD 0123456789ab sha256={Digest} scope=read,admin prefix=a/ note=x"),
        new("location", Locations, $"FILE a.txt 3 sha256={Digest} chunks={Digest} time=1700000000\n"
            + "SERVER 127.0.0.1 7001 CS1 3 state=alive http=http://127.0.0.1:7003/x\n"),
        new("gateway-answers", GatewayAnswers, Page),
        new("keys", Keys, "microcdn-key-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
            "microcdn-token-1:" + Hex16 + ":2f1c0a3b:1700000000:content:AAAA:CS1",
            $"AUTH role=content id=CS1 k=2f1c0a3b nonce={Mac} mac={Mac}"),
    ];

    private static string Page => "{\"name\":\"a.txt\",\"size\":3,\"sha256\":\"" + Digest + "\",\"servers\":["
        + "{\"id\":\"CS1\",\"urls\":[\"http://127.0.0.1:7003/a.txt\"],\"state\":\"alive\"}]}";

    private static void Detection(byte[] input)
    {
        Words words = new(input);
        words.Next(out ReadOnlySpan<byte> verb);
        _ = Tether.TryParse(words, out _);
        _ = StateChange.TryParse(verb, words, out _);
        _ = StateRow.TryParse(words, out _);
        _ = Doubt.TryParse(words, out _);
        _ = OneId.TryParse(words, out _);
        if (!TroubleReport.TryParse(words, out TroubleReport report)) return;
        BrokenException.Unless(!report.Name.IsEmpty, "a report of no file");
    }

    private static void Datagrams(byte[] input)
    {
        if (NumberedHeartbeat.TryParse(input, out NumberedHeartbeat beat))
        {
            BrokenException.Unless(ServerId.IsValid(beat.Plain.Id) && beat.Incarnation >= 0, "a beat out of form");
        }
        _ = Pong.TryParse(input, out _);
    }

    private static void ChunkLines(byte[] input)
    {
        Words words = new(input);
        words.Next(out _);
        _ = LocateRequest.TryParse(words, out _);
        _ = ChunkRequest.TryParse(words, out _);
        if (!RangeRequest.TryParse(words, out RangeRequest range)) return;
        BrokenException.Unless(range is { Offset: >= 0, Length: >= 0 }, "a range before the file");
    }

    private static void Publishing(byte[] input)
    {
        Words words = new(input);
        words.Next(out _);
        if (PublishRequest.Read(words) is { } request)
        {
            bool isOne = FileName.IsValid(request.Name) && request.Size >= 0 && !request.Digest.IsNone;
            BrokenException.Unless(isOne && request.Replicas <= Limits.Replicas, "a file that cannot be published");
        }
        _ = StoreRequest.TryParse(words, out _);
        _ = OrdersQuestion.TryParse(words, out _);
        _ = TokenGrant.Read(words);
        _ = Receipt.TryParse(input, out _);
        _ = OrderLine.TryParse(input, out _);
    }

    private static void Locations(byte[] input)
    {
        if (!FileName.TryCreate("a.txt", out FileName name)) return;
        LocationReader reader = new(name);
        foreach (Range line in input.AsSpan().Split((byte)'\n'))
        {
            if (!reader.Take(input.AsSpan(line))) return;
        }
        BrokenException.Unless(reader.Result is null or { Size: >= 0 }, "a negative size");
    }

    private static void GatewayAnswers(byte[] input)
    {
        try
        {
            _ = GatewayFinder.Read(input, ["CS2"], new Uri("http://127.0.0.1:8080/a.txt"));
        }
        catch (InvalidDataException)
        {
            // How it says that this is no such page.
        }
    }

    private static void Keys(byte[] input)
    {
        _ = JoinToken.Read(input);
        Words words = new(input);
        words.Next(out _);
        _ = AuthMessage.TryParse(words, out _);
        Keyring? keys = Keyring.Read(input, out string? wrong);
        BrokenException.Unless((keys is null) == (wrong is not null), "keys that are both right and wrong");
    }
}
