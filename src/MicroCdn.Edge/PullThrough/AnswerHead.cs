using System.Text;
using MicroCdn.Caching;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Writes the heads of answers that come from an origin, now or earlier.</summary>
internal static class AnswerHead
{
    /// <summary>Begins with status, words and fields; what the range is of follows.</summary>
    public static void Begin(Response response, StoredHead head, in Wanted wanted, long? length)
    {
        switch (wanted.Kind)
        {
            case WantedKind.NotModified:
                response.BeginRelayed(304, "Not Modified"u8, For304(head.Fields));
                break;
            case WantedKind.Part:
                response.BeginRelayed(206, "Partial Content"u8, ForPart(head.Fields));
                ContentRange.Write(response, wanted.Range, length!.Value);
                break;
            case WantedKind.Nothing:
                response.BeginRelayed(416, "Range Not Satisfiable"u8, For304(head.Fields));
                ContentRange.WriteUnsatisfied(response, length!.Value);
                break;
            default:
                response.BeginRelayed(head.Status, head.Reason.Span, head.Fields);
                break;
        }
    }

    /// <summary>Writes Cache-Status (RFC 9211), behind those of the caches that were asked.</summary>
    public static void WriteStatus(Response response, CacheStatus status, ReadOnlySpan<byte> cacheName)
    {
        response.Note(ResultOf(status));
        Span<byte> value = stackalloc byte[CacheStatus.MostBytes + 64];
        response.Field("Cache-Status"u8, value[..status.Write(cacheName, value)]);
    }

    /// <summary>Ends without a body: what the length is said to be depends on why there is none (RFC 9110, section
    /// 8.6).</summary>
    public static void EndEmpty(Response response, StoredHead head, in Wanted wanted, long? length)
    {
        if (wanted.Kind == WantedKind.NotModified || head.Status is 204 or 304) response.EndEmpty();
        else if (wanted.Kind == WantedKind.Nothing || !wanted.IsHeadOnly) response.End([]);
        else if (length is { } known) response.EndEmpty(known);
        else response.EndEmpty();
    }

    /// <summary>Answers with a sentence of our own, and Cache-Status as on every other answer.</summary>
    public static void Explain(Response response, HttpStatus status, CacheStatus cacheStatus,
        ReadOnlySpan<byte> cacheName, string sentence)
    {
        response.Begin(status);
        WriteStatus(response, cacheStatus, cacheName);
        response.Field("Content-Type"u8, "text/plain; charset=utf-8"u8);
        response.Field("X-Content-Type-Options"u8, "nosniff"u8);
        response.End(Encoding.UTF8.GetBytes(sentence + "\n"));
    }

    private static HeaderFields For304(HeaderFields fields) =>
        Without(fields, static name => !Conditions.IsIn304(name));

    /// <summary>What the access log says of it.</summary>
    internal static CacheResult ResultOf(CacheStatus status) => status.Outcome switch
    {
        Outcome.Hit => CacheResult.Hit,
        Outcome.HitStale or Outcome.HitError => CacheResult.Stale,
        Outcome.Stale when status.ForwardStatus == 304 => CacheResult.Revalidated,
        Outcome.Stale => CacheResult.Expired,
        Outcome.Partial => CacheResult.Partial,
        Outcome.Request or Outcome.Method => CacheResult.Bypass,
        Outcome.Loop => CacheResult.None,
        _ => CacheResult.Miss,
    };

    // These are digests of the bytes of one message, here of more than it holds (RFC 9530, section 2).
    private static HeaderFields ForPart(HeaderFields fields) =>
        fields.Has("Content-Digest"u8) || fields.Has("Content-MD5"u8) ? Without(fields, static name =>
            Ascii.EqualsIgnoreCase(name, "Content-Digest"u8) || Ascii.EqualsIgnoreCase(name, "Content-MD5"u8)) : fields;

    private static HeaderFields Without(HeaderFields fields, NameTest isDropped)
    {
        HeaderFields.Builder builder = new();
        for (int line = 0; line < fields.Count; line++)
        {
            if (!isDropped(fields.NameAt(line))) builder.Add(fields, line);
        }
        return builder.Build();
    }

    private delegate bool NameTest(ReadOnlySpan<byte> name);
}
