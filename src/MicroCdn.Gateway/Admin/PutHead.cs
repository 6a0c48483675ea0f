using System.Buffers.Text;
using System.Globalization;
using System.Text;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Admin;

/// <summary>What the head of a PUT or DELETE says beside the name.</summary>
/// <param name="Offset">Where in the file the body begins.</param>
/// <param name="Total">The length of the file, or -1 when only the body's end tells.</param>
/// <param name="Whole">The SHA-256 that the file is to have (Repr-Digest), or none.</param>
/// <param name="Content">The SHA-256 that the body is to have (Content-Digest), or none.</param>
/// <param name="IfMatch">Entity tags, one of which the name is to have now; empty for no such condition.</param>
/// <param name="IfNoneMatch">Entity tags that it must not have; empty for no such condition.</param>
/// <param name="Replicas">How many copies; 0 when the policy says.</param>
internal sealed record PutHead(long Offset, long Total, FileDigest Whole, FileDigest Content, string IfMatch,
    string IfNoneMatch, int Replicas)
{
    /// <summary>True when nothing may be published under the name.</summary>
    public bool IsNew => IfNoneMatch == "*";

    /// <summary>True when all bytes come, whatever is published under the name.</summary>
    public bool IsPlain => Offset == 0 && (IfMatch + IfNoneMatch).Length == 0;

    /// <summary>Reads a head; null, and why, when it cannot be followed.</summary>
    /// <param name="fields">Its fields.</param>
    /// <param name="query">What follows the question mark.</param>
    /// <param name="bodyLength">The length of the body, or -1.</param>
    /// <param name="problem">Why not.</param>
    public static PutHead? Read(HeaderFields fields, ReadOnlySpan<byte> query, long bodyLength, out Problem? problem)
    {
        problem = null;
        PutHead head = new(0, bodyLength, FileDigest.None, FileDigest.None, Text(fields, "If-Match"u8),
            Text(fields, "If-None-Match"u8), 0);
        string range = Text(fields, "Content-Range"u8), coding = Text(fields, "Content-Encoding"u8);
        if (coding.Length > 0 && !coding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            problem = new Problem(HttpStatus.UnsupportedMediaType,
                "Files are published as they are: send the bytes without a Content-Encoding.");
        }
        else if (range.Length > 0 && !TryRange(range, bodyLength, out long offset, out long total))
        {
            problem = Bad("Content-Range must be 'bytes FIRST-LAST/TOTAL', up to the file's last byte, and as long as "
                + "the body.");
        }
        else if (!TryDigest(Text(fields, "Repr-Digest"u8), out FileDigest whole)
            || !TryDigest(Text(fields, "Content-Digest"u8), out FileDigest content))
        {
            problem = Bad("Repr-Digest and Content-Digest must hold 'sha-256=:BASE64:': no other digest is checked.");
        }
        else if (!TryReplicas(query, out int replicas))
        {
            problem = Bad($"The query takes 'replicas=N' alone, N from 1 to {Limits.Replicas}.");
        }
        else
        {
            (offset, total) = range.Length > 0 ? RangeOf(range) : (0, bodyLength);
            return head with
            {
                Offset = offset, Total = total, Whole = whole, Content = content, Replicas = replicas,
            };
        }
        return null;
    }

    /// <summary>True when the conditions hold for what is published now (RFC 9110, section 13.1).</summary>
    /// <param name="digest">The SHA-256 of what is published; none when nothing is.</param>
    public bool Holds(FileDigest digest) => (IfMatch.Length == 0 || (!digest.IsNone && Has(IfMatch, digest)))
        && (IfNoneMatch.Length == 0 || digest.IsNone || !Has(IfNoneMatch, digest));

    private static bool Has(string tags, FileDigest digest) => tags == "*"
        || tags.Split(',', StringSplitOptions.TrimEntries).Contains($"\"{digest}\"", StringComparer.Ordinal);

    private static Problem Bad(string sentence) => new(HttpStatus.BadRequest, sentence);

    private static string Text(HeaderFields fields, ReadOnlySpan<byte> name) =>
        Encoding.Latin1.GetString(fields.Joined(name));

    private static (long Offset, long Total) RangeOf(string range) =>
        TryRange(range, -1, out long offset, out long total) ? (offset, total) : default;

    // bytes FIRST-LAST/TOTAL (RFC 9110, section 14.4); a part that ends before the file does would wait for ever for
    // the next.
    private static bool TryRange(string range, long bodyLength, out long offset, out long total)
    {
        (offset, total) = (0, -1);
        if (!range.StartsWith("bytes ", StringComparison.OrdinalIgnoreCase)) return false;
        int dash = range.IndexOf('-'), slash = range.IndexOf('/');
        return dash > 6 && slash > dash && TryNumber(range.AsSpan(6, dash - 6), out offset)
            && TryNumber(range.AsSpan(dash + 1, slash - dash - 1), out long last)
            && TryNumber(range.AsSpan(slash + 1), out total) && offset <= last && last == total - 1
            && (bodyLength < 0 || bodyLength == total - offset);
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    // A dictionary of byte sequences (RFC 9530); others may stand beside the one that is checked.
    private static bool TryDigest(string field, out FileDigest digest)
    {
        digest = FileDigest.None;
        if (field.Length == 0) return true;
        Span<byte> bytes = stackalloc byte[FileDigest.Length];
        foreach (string member in field.Split(',', StringSplitOptions.TrimEntries))
        {
            bool isOurs = member.StartsWith("sha-256=:", StringComparison.Ordinal) && member.Length > 9;
            if (!isOurs || member[^1] != ':') continue;
            string base64 = member[9..^1];
            if (base64.Length != 44 || !Convert.TryFromBase64String(base64, bytes, out int length)
                || length != FileDigest.Length) return false;
            digest = new FileDigest(bytes);
        }
        return !digest.IsNone;
    }

    private static bool TryReplicas(ReadOnlySpan<byte> query, out int replicas)
    {
        replicas = 0;
        if (query.IsEmpty) return true;
        if (!query.StartsWith("replicas="u8)) return false;
        return Utf8Parser.TryParse(query[9..], out replicas, out int used) && used == query.Length - 9
            && replicas is >= 1 and <= Limits.Replicas;
    }
}
