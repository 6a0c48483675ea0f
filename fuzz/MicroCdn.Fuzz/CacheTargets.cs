using System.Text;
using MicroCdn.Caching;
using MicroCdn.Protocol;

namespace MicroCdn.Fuzz;

/// <summary>What origins and clients say to the cache: fields of responses and requests, ranges, references.</summary>
internal static class CacheTargets
{
    private const long Now = 1_700_000_000;

    public static Target[] All { get; } =
    [
        new("cache-response", Responses,
            "Cache-Control: max-age=60, private=\"a, b\", x=\"y\\\", z\"\nAge: 5, 6\nVary: a, *\nSet-Cookie: a=b",
            "CDN-Cache-Control: max-age=5;a=1.5;b=\"c\", d=(1 ?0 :YQ==:), e=@1, f=%\"%c3%bc\"\nVary: "
            + "Accept-Encoding, Foo",
            "Expires: Sun, 06 Nov 1994 08:49:37 GMT\nDate: Sun Nov  6 08:49:37 1994\nETag: W/\"a\"\n"
            + "Connection: b\nB: 1"),
        new("cache-request", Requests,
            "Accept-Encoding: gzip;q=0.5, *;q=0\nAccept-Language: de, en;q=0.3\nFoo: \"a, b\" , c\nPragma: no-cache",
            "Cache-Control: max-stale, min-fresh=5, only-if-cached\nCDN-Loop: a; b=\"c, d\", edge\n"
            + "X-Forwarded-Host: x"),
        new("cache-ranges", Ranges, "bytes 0-4/10", "bytes 5-9/*", "bytes=0-1", "bytes=-5", "bytes=7-"),
        new("cache-references", References, "../x?y#z", "//a.example/./b", "http://A.example:80/..", "?q", "mailto:x"),
    ];

    private static void Responses(byte[] input)
    {
        HeaderFields came = Fields(input);
        HeaderFields kept = EndToEnd.ForStorage(came, Directives.Of(came));
        BrokenException.Unless(kept.Count <= came.Count && !kept.Has("Connection"u8) && !kept.Has("Age"u8),
            "a field of a connection is stored");
        foreach (CachePolicy policy in (CachePolicy[])[CachePolicy.Site, CachePolicy.Conformant])
        {
            StoredHead head = new()
            {
                Status = 200,
                Fields = kept,
                Selecting = Vary.Selecting(kept, came),
                RequestedAt = Now,
                ReceivedAt = Now,
                AgeAtReceipt = DeltaSeconds.Age(came),
            };
            CopyRules copy = CopyRules.Of(head, policy);
            CopyRules again = CopyRules.Of(StoredHead.Read(head.Write()), policy);
            BrokenException.Unless(copy.Lifetime is >= 0 and <= DeltaSeconds.Most && copy.At(Now).Age >= 0,
                "a lifetime or an age out of range");
            BrokenException.Unless(copy.Lifetime == again.Lifetime && copy.NeverStale == again.NeverStale,
                "a head that says something else once it is stored");
            BrokenException.Unless(Vary.Matches(head.Selecting, came), "a copy that its own request does not select");
            bool isStored = Storing.Decide(RequestRules.Of("GET"u8, came, policy), default, copy, policy)
                == Storability.Yes;
            BrokenException.Unless(!isStored || !Vary.Read(kept).IsNever, "stored, though no request is like another");
            StoredHead updated = Validation.Update(head, came, came, Now, Now, policy);
            BrokenException.Unless(policy.StoresCookies || kept.Has("Set-Cookie"u8)
                || !updated.Fields.Has("Set-Cookie"u8), "a cookie came in by a 304");
        }
    }

    private static void Requests(byte[] input)
    {
        HeaderFields fields = Fields(input);
        for (int line = 0; line < fields.Count; line++)
        {
            ReadOnlySpan<byte> name = fields.NameAt(line);
            byte[] form = NormalForm.Of(name, fields).ToArray();
            HeaderFields normal = new HeaderFields.Builder().Add(name, form).Build();
            BrokenException.Unless(NormalForm.Of(name, normal).SequenceEqual(form), "a normal form that has another");
        }
        _ = RequestRules.Of("GET"u8, fields, CachePolicy.Conformant);
        HeaderFields asked = OriginFields.ForStorage(fields, "edge", CachePolicy.Site).Build();
        BrokenException.Unless(OriginFields.IsLoop(asked, "edge"u8), "a loop that is not seen");
        BrokenException.Unless(!asked.Has("X-Forwarded-Host"u8) && !asked.Has("Range"u8),
            "what must not reach an origin");
    }

    private static void Ranges(byte[] input)
    {
        if (PartialContent.TryParse(input, out PartialContent part))
        {
            bool isWithin = part.Range.Offset >= 0 && part.Range.Length > 0
                && part.Range.End <= (part.Complete ?? long.MaxValue);
            BrokenException.Unless(isWithin, "a part outside of its whole");
        }
        string first = Slices.First(input);
        BrokenException.Unless(first.Length == 0 || first.StartsWith("bytes=", StringComparison.Ordinal),
            "a range that is none");
        BrokenException.Unless(!first.Contains("--", StringComparison.Ordinal), "a range before the first byte");
    }

    private static void References(byte[] input)
    {
        CacheKey target = new("http://a.example:80/dir/page?q=1");
        HeaderFields answer = new HeaderFields.Builder().Add("Location"u8, Clean(input)).Build();
        foreach (CacheKey key in Invalidation.Of(MethodKind.Post, target, 200, answer, CachePolicy.Site))
        {
            BrokenException.Unless(key.Text.StartsWith("http://a.example:80/", StringComparison.Ordinal),
                "a key of another origin");
        }
    }

    private static HeaderFields Fields(byte[] input)
    {
        HeaderFields.Builder builder = new();
        foreach (string line in Encoding.Latin1.GetString(input).Split('\n'))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            byte[] name = Encoding.Latin1.GetBytes(colon < 0 ? "" : line[..colon]);
            if (Tokens.Is(name)) builder.Add(name, Clean(Encoding.Latin1.GetBytes(line[(colon + 1)..])));
        }
        return builder.Build();
    }

    // As a value comes from the reader of heads: without line ends and NUL, and without blanks around it.
    private static ReadOnlySpan<byte> Clean(byte[] value) =>
        Array.FindAll(value, b => b is not ((byte)'\r' or (byte)'\n' or 0)).AsSpan().Trim(" \t"u8);
}
