using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>What a response says about its caching (RFC 9111, section 5.2.2; RFC 9213; RFC 5861; RFC 8246).</summary>
/// <remarks>
/// A restriction counts however it is written; a permission counts only when it is written correctly. So a lifetime
/// that cannot be read is none (RFC 9111, section 4.2.1: stale), <c>private</c> with a broken argument is private, and
/// <c>public;</c> permits nothing. Of several values of one directive the first counts.
/// </remarks>
public sealed record Directives
{
    /// <summary>Nothing is said.</summary>
    public static Directives None { get; } = new();

    /// <summary>True when CDN-Cache-Control said it: then neither Cache-Control nor Expires counts (RFC 9213, section
    /// 2.2).</summary>
    public bool IsTargeted { get; init; }

    /// <summary><c>no-store</c>.</summary>
    public bool NoStore { get; private set; }

    /// <summary><c>no-cache</c> without names of fields.</summary>
    public bool NoCache { get; private set; }

    /// <summary><c>private</c> without names of fields.</summary>
    public bool Private { get; private set; }

    /// <summary><c>public</c>.</summary>
    public bool Public { get; private set; }

    /// <summary><c>must-revalidate</c>.</summary>
    public bool MustRevalidate { get; private set; }

    /// <summary><c>proxy-revalidate</c>.</summary>
    public bool ProxyRevalidate { get; private set; }

    /// <summary><c>must-understand</c>.</summary>
    public bool MustUnderstand { get; private set; }

    /// <summary><c>immutable</c> (RFC 8246).</summary>
    public bool Immutable { get; private set; }

    /// <summary><c>s-maxage</c> in seconds.</summary>
    public long? SharedMaxAge { get; private set; }

    /// <summary><c>max-age</c> in seconds.</summary>
    public long? MaxAge { get; private set; }

    /// <summary><c>stale-while-revalidate</c> in seconds (RFC 5861, section 3).</summary>
    public long? StaleWhileRevalidate { get; private set; }

    /// <summary><c>stale-if-error</c> in seconds (RFC 5861, section 4).</summary>
    public long? StaleIfError { get; private set; }

    /// <summary>The fields that <c>private="..."</c> and <c>no-cache="..."</c> name, as lists: these are not stored
    /// (RFC 9111, section 3.1).</summary>
    public string FieldsNotStored { get; private set; } = "";

    /// <summary>Reads CDN-Cache-Control if it is there and valid, else Cache-Control.</summary>
    public static Directives Of(HeaderFields response)
    {
        if (response.Has("CDN-Cache-Control"u8) && TargetedDirectives.Read(response) is { } targeted) return targeted;
        if (!response.Has("Cache-Control"u8)) return None;
        Directives directives = new();
        for (int line = response.IndexOf("Cache-Control"u8); line >= 0;
            line = response.IndexOf("Cache-Control"u8, line + 1))
        {
            DirectiveReader reader = new(response.ValueAt(line));
            while (reader.Next()) directives.Take(reader);
        }
        return directives;
    }

    // What an earlier member of a structured field said.
    internal void Forget(ReadOnlySpan<byte> name)
    {
        if (Is(name, "max-age"u8)) MaxAge = null;
        else if (Is(name, "s-maxage"u8)) SharedMaxAge = null;
        else if (Is(name, "stale-while-revalidate"u8)) StaleWhileRevalidate = null;
        else if (Is(name, "stale-if-error"u8)) StaleIfError = null;
        else if (Is(name, "no-store"u8)) NoStore = false;
        else if (Is(name, "no-cache"u8)) NoCache = false;
        else if (Is(name, "private"u8)) Private = false;
        else if (Is(name, "public"u8)) Public = false;
        else if (Is(name, "must-revalidate"u8)) MustRevalidate = false;
        else if (Is(name, "proxy-revalidate"u8)) ProxyRevalidate = false;
        else if (Is(name, "must-understand"u8)) MustUnderstand = false;
        else if (Is(name, "immutable"u8)) Immutable = false;
    }

    // A flag in a structured field, where it is written as a member without value or with another than false.
    internal bool Flag(ReadOnlySpan<byte> name)
    {
        if (Is(name, "no-store"u8)) return NoStore = true;
        if (Is(name, "must-revalidate"u8)) return MustRevalidate = true;
        if (Is(name, "proxy-revalidate"u8)) return ProxyRevalidate = true;
        if (Is(name, "must-understand"u8)) return MustUnderstand = true;
        if (Is(name, "no-cache"u8)) return NoCache = true;
        if (Is(name, "private"u8)) return Private = true;
        return false;
    }

    // What only permits.
    internal void Permit(ReadOnlySpan<byte> name)
    {
        if (Is(name, "public"u8)) Public = true;
        else if (Is(name, "immutable"u8)) Immutable = true;
    }

    // A number of seconds; those that are none count as 0 seconds. False when the directive has none.
    internal bool Number(ReadOnlySpan<byte> name, long seconds)
    {
        if (Is(name, "max-age"u8)) MaxAge ??= seconds;
        else if (Is(name, "s-maxage"u8)) SharedMaxAge ??= seconds;
        else if (Is(name, "stale-while-revalidate"u8)) StaleWhileRevalidate ??= seconds;
        else if (Is(name, "stale-if-error"u8)) StaleIfError ??= seconds;
        else return false;
        return true;
    }

    // private="a, b" and no-cache="a, b" restrict these fields alone. False when that is not what is written.
    internal bool NameFields(ReadOnlySpan<byte> name, ReadOnlySpan<byte> names)
    {
        if (!Is(name, "private"u8) && !Is(name, "no-cache"u8)) return false;
        ReadOnlySpan<byte> list = names;
        int count = 0;
        while (Tokens.Next(ref list, out ReadOnlySpan<byte> field))
        {
            if (!Tokens.Is(field)) return false;
            count++;
        }
        if (count == 0) return false;
        FieldsNotStored += "," + Encoding.ASCII.GetString(names);
        return true;
    }

    private void Take(in DirectiveReader read)
    {
        bool isNumber = DeltaSeconds.TryRead(read.Argument, out long seconds) && !read.IsMalformed;
        if (Number(read.Name, isNumber ? seconds : 0)) return;
        if (read.HasArgument && !read.IsMalformed && NameFields(read.Name, read.Argument)) return;
        if (!Flag(read.Name) && !read.IsMalformed) Permit(read.Name);
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> other) => Ascii.EqualsIgnoreCase(name, other);
}
