using System.Buffers;
using System.Text;
using MicroCdn.Edge;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Fuzz;

/// <summary>Every parser of bytes from strangers, each with what must hold for any input.</summary>
internal static class Targets
{
    private const long Now = 1_700_000_000;

    public static Target[] All { get; } =
    [
        new("heartbeat", Heartbeats, "HEARTBEAT CS1 127.0.0.1 7001 3 42\n",
            "HEARTBEAT CS1 10.0.0.1 7001 3 42 inc=7 seq=1042 gap=103 k=2f1c0a3b mac=00112233445566778899aabbccddeeff"),
        new("lines", Lines,
            "REGISTER CS1 7001 7002 http=7003 https=7103 host=a.example url=https://a.example/x zone=eu weight=7",
            "ADD_FILE CS1 a%20b.txt 12 sha256=" + Hex + " time=1700000000", "REMOVE_FILE CS1 a.txt",
            "SERVER_DOWN CS1 1700000000",
            "UPDATE_LOAD CS1 7", "REGISTER_INDEX localhost 5050", "HELLO 2 a=b"),
        new("answers", Answers, "SERVER 127.0.0.1 7001 CS1 12", "FILE a%20b.txt 12",
            "SERVER CS1 127.0.0.1 7001 3 alive", "WELCOME MICRO-CDN 2 a=b"),
        new("names", NamesTravel, "a b/%41%zz/ü.txt", "../x", "a//b", "%2e%2e/%2F"),
        new("paths", PathsName, "/a%20b/%C3%BC.txt", "/%2e%2e/", "/a/%5c", "/", "/a//b/"),
        new("request", Requests,
            "GET /a?x HTTP/1.1\r\nHost: a.example:80\r\nRange: bytes=0-1,3-\r\nIf-None-Match: \"x\", W/\"y\"\r\n\r\n",
            "HEAD http://a.example/ HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive, close\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nAccept: */*;q=0.1\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: [::1]\r\nOrigin: https://b.example\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"),
        new("chunks", Chunks, "5\r\nhello\r\n0a;x=\"y\"\r\n, world...\r\n0\r\nTrailer: a\r\n\r\nGET /"),
        new("ranges", Ranges, "bytes=0-1,3-5,-7,9-", "bytes = 0-", "bytes=5-4", "bytes=0-0,0-0,0-0,0-0"),
        new("dates", Dates, "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994"),
        new("codings", Codings, "gzip;q=0.5, br, zstd;q=1.000, identity;q=0, *;q=0.1"),
        new("tags", Tags, "\"a\", W/\"b\",*", "W/\"\"", "\"a,b\""),
        .. Version2.All,
        .. Origins.All,
        .. Conversations.All,
        .. CacheTargets.All,
        .. AccessTargets.All,
    ];

    private static string Hex => new('a', 64);

    public static Target Find(string name) => Array.Find(All, target => target.Name == name)
        ?? throw new ArgumentException($"there is no target '{name}'; fuzz/run list names them");

    // A body is the same, and ends at the same byte, however it is cut and however little room there is for it.
    private static void Chunks(byte[] input)
    {
        string whole = ReadChunks(input, input.Length, int.MaxValue);
        int cut = input.Length == 0 ? 1 : 1 + ((input[0] + (input.Length * 7)) % input.Length);
        BrokenException.Unless(whole == ReadChunks(input, cut, int.MaxValue), $"cut at {cut} the body is another");
        BrokenException.Unless(whole == ReadChunks(input, cut, 3), "with little room the body is another");
    }

    private static string ReadChunks(byte[] input, int cut, int most)
    {
        BodyFraming framing = new(-1);
        StringBuilder body = new();
        int at = 0;
        while (at < input.Length && framing is { IsOver: false, IsBroken: false })
        {
            int end = at < cut ? Math.Min(cut, input.Length) : input.Length;
            int used = framing.Take(input.AsSpan(at, end - at), most, out ReadOnlySpan<byte> bytes);
            BrokenException.Unless(used > 0 && used <= end - at && bytes.Length <= most, "more or nothing is taken");
            body.Append(Encoding.Latin1.GetString(bytes));
            at += used;
        }
        // What is broken is found sooner or later, as it is cut; what was taken is the same.
        return framing.IsBroken ? $"{body} broken" : $"{body} {framing.IsOver} {at}";
    }

    private static void Heartbeats(byte[] input)
    {
        if (!Heartbeat.TryParse(input, out Heartbeat beat)) return;
        BrokenException.Unless(ServerId.IsValid(beat.Id) && Heartbeat.IsHost(beat.Host), "an id or host out of form");
        BrokenException.Unless(beat.TcpPort is > 0 and <= 65535 && beat.Load >= 0 && beat.Files >= 0,
            "a number out of range");
    }

    private static void Lines(byte[] input)
    {
        Words words = new(input);
        words.Next(out _);
        _ = Registration.TryParse(words, out _);
        if (Registration.TryParse(words, out _, out ServerFacts facts)) Survives(facts);
        _ = FileAnnouncement.TryParse(words, out _);
        if (FileAnnouncement.TryParse2(words, out FileAnnouncement file))
        {
            BrokenException.Unless(file.Size >= 0, "a negative size");
        }
        _ = FileRemoval.TryParse(words, out _);
        _ = LoadUpdate.TryParse(words, out _);
        _ = ServerDown.TryParse(words, out _);
        _ = IndexSubscription.TryParse(words, out _);
        _ = Greeting.TryParse(words, out _);
    }

    // What was read is written and read again: nothing may change on the way.
    private static void Survives(ServerFacts facts)
    {
        ArrayBufferWriter<byte> written = new();
        facts.Write(written);
        bool isRead = ServerFacts.TryParse(new Words(written.WrittenSpan), out ServerFacts again);
        BrokenException.Unless(isRead && again == facts,
            $"facts differ once written: {facts} and {again}");
    }

    private static void Answers(byte[] input)
    {
        _ = Route.TryParse(input, out _);
        _ = FileRow.TryParse(input, out _);
        _ = ServerRow.TryParse(input, out _);
        _ = Greeting.IsWelcome2(input);
    }

    private static void NamesTravel(byte[] input)
    {
        if (input.Length > Limits.LineBytes) return;
        byte[] decoded = new byte[input.Length];
        _ = PercentText.Decode(input, decoded);
        if (!FileName.TryCreate(input, out FileName name)) return;
        ArrayBufferWriter<byte> word = new();
        PercentText.Encode(input, word);
        decoded = new byte[word.WrittenCount];
        int length = PercentText.Decode(word.WrittenSpan, decoded);
        BrokenException.Unless(decoded.AsSpan(0, length).SequenceEqual(input), $"'{name}' came back as another name");
        BrokenException.Unless(!name.Value.Split('/').Contains(".."), "a name that climbs");
        Words words = new(word.WrittenSpan);
        BrokenException.Unless(words.Next(out _) && words.AtEnd, "a name that is no single word");
    }

    private static void PathsName(byte[] input)
    {
        byte[] target = new byte[Limits.NameBytes];
        if (!PathNames.TryRead(input, target, out int length, out _) || length == 0) return;
        byte[] name = target[..length];
        BrokenException.Unless(FileName.IsValid(name), "a path that names no file");
        ArrayBufferWriter<byte> path = new();
        PathNames.Write(name, path);
        BrokenException.Unless(PathNames.TryRead(path.WrittenSpan, target, out int again, out _)
            && target.AsSpan(0, again).SequenceEqual(name), "a name whose path is another's");
    }

    private static void Requests(byte[] input)
    {
        int length = RequestParser.Parse(input, out Request request, out Refusal? refusal);
        BrokenException.Unless(length >= 0 && length <= input.Length, "a head longer than the input");
        if (length == 0) return;
        BrokenException.Unless(refusal is null, "a head both taken and refused");
        bool hasPath = request.Path.StartsWith("/"u8) || request.Path.SequenceEqual("*"u8);
        BrokenException.Unless(hasPath, "no path");
        foreach (Field field in Enum.GetValues<Field>())
        {
            BrokenException.Unless(!request[field].ContainsAny("\r\n\0"u8), $"{field} holds a line end");
        }
        ReadOnlySpan<byte> head = input.AsSpan(0, length);
        BrokenException.Unless(RequestParser.Parse(head, out _, out _) == length, "what follows a head changes it");
        bool waits = RequestParser.Parse(head[..^1], out _, out refusal) == 0 && refusal is null;
        BrokenException.Unless(waits, "a head without its end");
        length -= RequestParser.Parse(request.ToArray(), out _, out _);
        BrokenException.Unless(length == 0, "a head that reads otherwise again");
    }

    private static void Ranges(byte[] input)
    {
        foreach (long size in (long[])[0, 1, 10, 1L << 20, long.MaxValue])
        {
            ByteRanges ranges = ByteRanges.Parse(input, size);
            if (ranges.Kind == RangeKind.Single) Inside(ranges.Single, size);
            if (ranges.Kind != RangeKind.Several) continue;
            long total = 0;
            foreach (ByteRange range in ranges.Several)
            {
                Inside(range, size);
                total += range.Length;
            }
            BrokenException.Unless(total <= size, "ranges cost more than the file");
        }
    }

    private static void Inside(ByteRange range, long size) => BrokenException.Unless(
        range.Offset >= 0 && range.Length >= 0 && range.Offset <= size && range.Length <= size - range.Offset,
        $"{range} lies outside of {size} bytes");

    private static void Dates(byte[] input) => _ = HttpDate.TryParse(input, Now, out _);

    private static void Codings(byte[] input)
    {
        const Coding All = Coding.Zstd | Coding.Brotli | Coding.Gzip;
        foreach (Coding available in (Coding[])[Coding.Identity, Coding.Gzip, All])
        {
            Coding chosen = ContentCodings.Choose(input, available);
            bool isThere = chosen == Coding.Identity || (available & chosen) == chosen;
            BrokenException.Unless(isThere, "a coding that there is not");
        }
    }

    private static void Tags(byte[] input)
    {
        byte[] tag = Encoding.ASCII.GetBytes("\"a\"");
        if (EntityTags.Match(input, tag, strongly: true))
        {
            BrokenException.Unless(EntityTags.Match(input, tag, strongly: false), "strongly and not weakly the same");
        }
        _ = EntityTags.IsOne(input);
    }
}
