using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using MicroCdn.Caching;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Caching;

/// <summary>Requests and responses for the tests of caching, written as they look on the wire.</summary>
internal static partial class CacheWords
{
    /// <summary>When everything is asked for.</summary>
    public const long T = 1_700_000_000;

    public static CacheKey Key { get; } = new("http://a.example:80/dir/page?q=1");

    /// <summary>Fields, parted by <c>|</c>; <c>@-10</c> is the date ten seconds before <see cref="T"/>.</summary>
    public static HeaderFields Fields(string lines)
    {
        HeaderFields.Builder builder = new();
        const StringSplitOptions Trimmed = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        foreach (string line in lines.Split('|', Trimmed))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            string value = Moment().Replace(line[(colon + 1)..].Trim(), match => Date(
                long.Parse(match.Groups[1].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)));
            builder.Add(Bytes(line[..colon]), Bytes(value));
        }
        return builder.Build();
    }

    public static CopyRules Copy(string lines, CachePolicy? policy = null, int status = 200, string request = "",
        string method = "GET")
    {
        HeaderFields came = Fields(lines);
        StoredHead head = new()
        {
            Status = status,
            Fields = EndToEnd.ForStorage(came, Directives.Of(came)),
            Selecting = Vary.Selecting(came, Fields(request)),
            RequestedAt = T,
            ReceivedAt = T,
            AgeAtReceipt = DeltaSeconds.Age(came),
            WasAuthorized = Request(method, request).IsAuthorized,
        };
        return CopyRules.Of(head, policy ?? CachePolicy.Conformant);
    }

    public static RequestRules Request(string method, string lines, CachePolicy? policy = null) =>
        RequestRules.Of(Bytes(method), Fields(lines), policy ?? CachePolicy.Conformant);

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>Fields as one line, parted by <c>|</c>.</summary>
    public static string Line(HeaderFields fields) =>
        fields.ToString().TrimEnd().Replace("\r\n", " | ", StringComparison.Ordinal);

    private static string Date(long offset)
    {
        byte[] date = new byte[HttpDate.Length];
        HttpDate.Format(T + offset, date);
        return Text(date);
    }

    [GeneratedRegex(@"(?<!=)@([+-]?\d+)")]
    private static partial Regex Moment();
}
