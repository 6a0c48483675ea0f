using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway;

/// <summary>What a client wants to have of a file.</summary>
internal enum View
{
    /// <summary>The file: the way to a server that has it.</summary>
    File,

    /// <summary>All servers, for a download program (RFC 5854).</summary>
    Metalink,

    /// <summary>The digest, for sha256sum.</summary>
    Checksum,

    /// <summary>All that is known, for a program.</summary>
    Json,

    /// <summary>All servers, for a person.</summary>
    Mirrors,

    /// <summary>Why this server and not another, in words.</summary>
    Why,
}

/// <summary>What a request says about what it wants, beside the name: words of the query, then Accept.</summary>
/// <param name="View">What is to be shown.</param>
/// <param name="Not">The server that the client does not want this time.</param>
internal readonly record struct Wish(View View, ServerId? Not)
{
    /// <summary>Reads the words that are known; all others are for the server that the client is sent to.</summary>
    public static Wish Read(in Request request)
    {
        View view = View.File;
        ServerId? not = null;
        ReadOnlySpan<byte> query = request.Query;
        foreach (Range range in query.Split((byte)'&'))
        {
            ReadOnlySpan<byte> word = query[range];
            if (word.IsEmpty) continue;
            if (word.StartsWith("not="u8)) not ??= ReadId(word[4..]);
            else if (view == View.File) view = ViewOf(word);
        }
        return new Wish(view == View.File ? Preferred(request[Field.Accept]) : view, not);
    }

    /// <summary>Reads what a client wants of a path that is an origin's: the page that says why is shown only when the
    /// query asks for nothing else.</summary>
    public static Wish OfPulled(in Request request)
    {
        bool isWhy = false, isOurs = true;
        ServerId? not = null;
        ReadOnlySpan<byte> query = request.Query;
        foreach (Range range in query.Split((byte)'&'))
        {
            ReadOnlySpan<byte> word = query[range];
            if (word.SequenceEqual("why"u8)) isWhy = true;
            else if (word.StartsWith("not="u8)) not ??= ReadId(word[4..]);
            else isOurs = false;
        }
        if (!isWhy || !isOurs) return new Wish(View.File, not);
        return new Wish(Preferred(request[Field.Accept]) == View.Json ? View.Json : View.Why, not);
    }

    /// <summary>Reads the query of a report; false when it is none.</summary>
    public static bool TryReadReport(ReadOnlySpan<byte> query, out Trouble reason, out ServerId server)
    {
        bool hasReason = false;
        ServerId? id = null;
        reason = default;
        foreach (Range range in query.Split((byte)'&'))
        {
            ReadOnlySpan<byte> word = query[range];
            if (word.StartsWith("report="u8)) hasReason = TroubleReport.TryReason(word[7..], out reason);
            else if (word.StartsWith("server="u8)) id = ReadId(word[7..]);
        }
        server = id ?? default;
        return hasReason && id is not null;
    }

    /// <summary>Chooses by an Accept field (RFC 9110, section 12.5.1): Metalink and JSON only when they are named, and
    /// liked at least as much as anything else.</summary>
    /// <remarks>Whoever names no type gets the file: a wildcard stands for whatever the file is. An element that is
    /// malformed counts as not there.</remarks>
    /// <param name="accept">The field value; empty when absent.</param>
    internal static View Preferred(ReadOnlySpan<byte> accept)
    {
        int metalink = 0, json = 0, others = 0;
        foreach (Range range in accept.Split((byte)','))
        {
            ReadOnlySpan<byte> element = accept[range];
            int end = element.IndexOf((byte)';');
            ReadOnlySpan<byte> type = (end < 0 ? element : element[..end]).Trim(" \t"u8);
            if (!TryReadQuality(end < 0 ? default : element[(end + 1)..], out int quality)) continue;
            if (Is(type, "application/metalink4+xml"u8)) metalink = Math.Max(metalink, quality);
            else if (Is(type, "application/json"u8)) json = Math.Max(json, quality);
            else others = Math.Max(others, quality);
        }
        if (metalink > 0 && metalink >= json && metalink >= others) return View.Metalink;
        return json > 0 && json >= others ? View.Json : View.File;
    }

    private static View ViewOf(ReadOnlySpan<byte> word) => word switch
    {
        _ when word.SequenceEqual("json"u8) => View.Json,
        _ when word.SequenceEqual("mirrors"u8) => View.Mirrors,
        _ when word.SequenceEqual("why"u8) => View.Why,
        _ => View.File,
    };

    // The weight is the last of the parameters; those before it narrow the type, which changes nothing here.
    private static bool TryReadQuality(ReadOnlySpan<byte> parameters, out int quality)
    {
        quality = QualityValue.Full;
        foreach (Range range in parameters.Split((byte)';'))
        {
            ReadOnlySpan<byte> parameter = parameters[range].Trim(" \t"u8);
            if (parameter.Length < 2 || (parameter[0] | 0x20) != 'q' || parameter[1] != '=') continue;
            return QualityValue.TryRead(parameter, out quality);
        }
        return true;
    }

    private static bool Is(ReadOnlySpan<byte> type, ReadOnlySpan<byte> wanted) =>
        System.Text.Ascii.EqualsIgnoreCase(type, wanted);

    // Undone once, as in a path; what is no id names no server.
    private static ServerId? ReadId(ReadOnlySpan<byte> word)
    {
        if (word.Length > 3 * Limits.ServerIdBytes) return null;
        Span<byte> decoded = stackalloc byte[3 * Limits.ServerIdBytes];
        return ServerId.TryCreate(decoded[..PercentText.Decode(word, decoded)], out ServerId id) ? id : null;
    }
}
