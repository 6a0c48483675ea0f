using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Admin;

/// <summary>Tells in fields what is published under a name.</summary>
internal static class Facts
{
    /// <summary>Answers HEAD.</summary>
    public static void Answer(Response response, PublishedEntry entry, long offset)
    {
        response.Begin(HttpStatus.Ok);
        Write(response, entry.Digest, entry.Revision);
        response.Field("Upload-Offset"u8, offset);
        if (entry.UnixSeconds >= 0)
        {
            Span<byte> date = stackalloc byte[29];
            HttpDate.Format(entry.UnixSeconds, date);
            response.Field("Last-Modified"u8, date);
        }
        response.EndEmpty(entry.Size);
    }

    /// <summary>Writes entity tag, digest and revision.</summary>
    public static void Write(Response response, FileDigest digest, long revision)
    {
        Span<byte> bytes = stackalloc byte[FileDigest.Length], text = stackalloc byte[Digests.MostEntityTagBytes];
        digest.CopyTo(bytes);
        response.Field("ETag"u8, text[..Digests.WriteEntityTag(bytes, Coding.Identity, text)]);
        Span<byte> value = stackalloc byte[Digests.ReprDigestBytes];
        Digests.WriteReprDigest(bytes, value);
        response.Field("Repr-Digest"u8, value);
        response.Field("MicroCdn-Revision"u8, revision);
        response.Fields("Cache-Control: no-store\r\n"u8);
    }
}
