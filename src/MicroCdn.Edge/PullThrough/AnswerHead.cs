using System.Text;
using MicroCdn.Caching;
using MicroCdn.Http;
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
                response.BeginRelayed(206, "Partial Content"u8, head.Fields);
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
        Span<byte> value = stackalloc byte[CacheStatus.MostBytes + 64];
        response.Field("Cache-Status"u8, value[..status.Write(cacheName, value)]);
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

    private static HeaderFields For304(HeaderFields fields)
    {
        HeaderFields.Builder builder = new();
        for (int line = 0; line < fields.Count; line++)
        {
            if (Conditions.IsIn304(fields.NameAt(line))) builder.Add(fields, line);
        }
        return builder.Build();
    }
}
