using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>The request fields that a response was chosen by (RFC 9110, section 12.5.5).</summary>
public readonly struct Vary
{
    /// <summary>The most names that are stored: an origin that names more tells every request apart anyway.</summary>
    public const int MostNames = 32;

    private readonly List<byte[]>? _names;

    private Vary(List<byte[]>? names, bool isNever) => (_names, IsNever) = (names, isNever);

    /// <summary>True when a star stands anywhere, or something that is no name of a field, or more than
    /// <see cref="MostNames"/>: no request is like another (RFC 9111, section 4.1).</summary>
    public bool IsNever { get; }

    /// <summary>Reads all lines of Vary.</summary>
    public static Vary Read(HeaderFields response)
    {
        ReadOnlySpan<byte> list = response.Joined("Vary"u8);
        List<byte[]>? names = null;
        while (Tokens.Next(ref list, out ReadOnlySpan<byte> name))
        {
            if (name.SequenceEqual("*"u8) || !Tokens.Is(name)) return new Vary(null, true);
            byte[] small = new byte[name.Length];
            Ascii.ToLower(name, small, out _);
            names ??= [];
            if (names.Exists(other => other.AsSpan().SequenceEqual(small))) continue;
            if (names.Count == MostNames) return new Vary(null, true);
            names.Add(small);
        }
        return new Vary(names, false);
    }

    /// <summary>The fields by which the response to a request is selected later: what
    /// <see cref="StoredHead.Selecting"/> holds.</summary>
    public static HeaderFields Selecting<TFields>(HeaderFields response, in TFields request)
        where TFields : IFields, allows ref struct
    {
        Vary vary = Read(response);
        if (vary._names is null) return HeaderFields.Empty;
        HeaderFields.Builder builder = new();
        foreach (byte[] name in vary._names) builder.Add(name, NormalForm.Of(name, request));
        return builder.Build();
    }

    /// <summary>True when a request has all the fields that a copy was selected by (RFC 9111, section 4.1). They are
    /// compared in full: no hash decides.</summary>
    public static bool Matches<TFields>(HeaderFields selecting, in TFields request)
        where TFields : IFields, allows ref struct
    {
        for (int line = 0; line < selecting.Count; line++)
        {
            ReadOnlySpan<byte> name = selecting.NameAt(line);
            if (!NormalForm.Of(name, request).SequenceEqual(selecting.ValueAt(line))) return false;
        }
        return true;
    }

    /// <summary>Chooses the copy that a request selects: of those that match the one that the origin made last (RFC
    /// 9111, section 4); null when none matches.</summary>
    public static CopyRules? Choose<TFields>(ReadOnlySpan<CopyRules> copies, in TFields request)
        where TFields : IFields, allows ref struct
    {
        CopyRules? chosen = null;
        foreach (CopyRules copy in copies)
        {
            if (!Matches(copy.Head.Selecting, request)) continue;
            if (chosen is null || Latest(copy).CompareTo(Latest(chosen)) > 0) chosen = copy;
        }
        return chosen;
    }

    /// <summary>Chooses a copy in the language that a request prefers to all others, where none was made for such a
    /// request; of several the one that the origin made last, null when there is none.</summary>
    public static CopyRules? ChooseByLanguage<TFields>(ReadOnlySpan<CopyRules> copies, in TFields request)
        where TFields : IFields, allows ref struct
    {
        ReadOnlySpan<byte> language = PreferredLanguage.Of(request.Joined("Accept-Language"u8));
        if (language.IsEmpty) return null;
        CopyRules? chosen = null;
        foreach (CopyRules copy in copies)
        {
            if (!PreferredLanguage.Answers(copy, language, request)) continue;
            if (chosen is null || Latest(copy).CompareTo(Latest(chosen)) > 0) chosen = copy;
        }
        return chosen;
    }

    private static (long Made, long Received) Latest(CopyRules copy) => (copy.Date, copy.Head.ReceivedAt);
}
