using System.Security.Cryptography;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>What a token allows.</summary>
[Flags]
public enum TokenScopes : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>To ask what is published.</summary>
    Read = 1,

    /// <summary>To publish, replace and remove.</summary>
    Publish = 2,

    /// <summary>To purge what caches hold.</summary>
    Purge = 4,

    /// <summary>Everything, also what comes later.</summary>
    Admin = 8,
}

/// <summary>A token as the index knows it: what it allows, and the hash by which it is told.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Hash">SHA-256 of its secret; none where it is only told of.</param>
/// <param name="Scopes">What it allows.</param>
/// <param name="Prefix">What every name that it is for begins with; empty for all.</param>
/// <param name="UnixSeconds">When it was made.</param>
/// <param name="Note">What its maker says of it.</param>
public sealed record TokenGrant(
    string Id, FileDigest Hash, TokenScopes Scopes, string Prefix, long UnixSeconds, string Note)
{
    /// <summary>Longest note in bytes: it is a label.</summary>
    public const int NoteBytes = 256;

    private static readonly (TokenScopes Scope, string Word)[] Names =
    [
        (TokenScopes.Read, "read"), (TokenScopes.Publish, "publish"), (TokenScopes.Purge, "purge"),
        (TokenScopes.Admin, "admin"),
    ];

    /// <summary>All there are.</summary>
    public const TokenScopes Every = TokenScopes.Read | TokenScopes.Publish | TokenScopes.Purge | TokenScopes.Admin;

    /// <summary>True when it allows one of these for a name.</summary>
    public bool Allows(TokenScopes any, ReadOnlySpan<byte> name) =>
        (Scopes & (any | TokenScopes.Admin)) != 0 && name.StartsWith(Encoding.UTF8.GetBytes(Prefix));

    /// <summary>True when this is its secret's hash; takes as long for a near miss as for any.</summary>
    public bool Fits(FileDigest hash)
    {
        Span<byte> mine = stackalloc byte[FileDigest.Length], shown = stackalloc byte[FileDigest.Length];
        Hash.CopyTo(mine);
        hash.CopyTo(shown);
        return CryptographicOperations.FixedTimeEquals(mine, shown) && !Hash.IsNone;
    }

    /// <summary>Scopes as words with commas between.</summary>
    public static string TextOf(TokenScopes scopes) =>
        string.Join(',', Names.Where(name => (scopes & name.Scope) != 0).Select(name => name.Word));

    /// <summary>Reads scopes; none when a word is none of them.</summary>
    public static TokenScopes ReadScopes(string text)
    {
        TokenScopes all = TokenScopes.None;
        foreach (string word in text.Split(','))
        {
            TokenScopes one = Names.FirstOrDefault(name => name.Word == word).Scope;
            if (one == TokenScopes.None) return one;
            all |= one;
        }
        return all;
    }

    /// <summary>True for what a prefix may be: nothing, or the beginning of names.</summary>
    public static bool IsPrefix(string prefix) =>
        prefix.Length == 0 || FileName.TryCreate(prefix[^1] == '/' ? prefix[..^1] : prefix, out _);

    /// <summary>The words <c>id [sha256=HEX64] scope=WORDS [prefix=TEXT] [time=UNIX_SECONDS] [note=TEXT]</c>.</summary>
    public string ToWords() => $"{Id}{(Hash.IsNone ? "" : $" sha256={Hash}")} scope={TextOf(Scopes)}"
        + $"{(Prefix.Length == 0 ? "" : $" prefix={PercentText.WordOf(Prefix)}")}"
        + $"{(UnixSeconds < 0 ? "" : $" time={UnixSeconds}")}"
        + $"{(Note.Length == 0 ? "" : $" note={PercentText.WordOf(Note)}")}";

    /// <summary>Reads such words; null when they are none.</summary>
    public static TokenGrant? Read(Words words)
    {
        if (!words.Next(out ReadOnlySpan<byte> id) || !AccessToken.IsId(id)) return null;
        TokenGrant? grant = new(Encoding.ASCII.GetString(id), FileDigest.None, TokenScopes.None, "", -1, "");
        while (grant is not null && words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            grant = grant.With(Encoding.UTF8.GetString(key), value);
        }
        return words.AtEnd && grant is { Scopes: not TokenScopes.None } ? grant : null;
    }

    private TokenGrant? With(string key, ReadOnlySpan<byte> value)
    {
        bool isNumber = Words.IsNumber(value, out long number);
        string text = PercentText.TextOf(value);
        return key switch
        {
            "sha256" => FileDigest.TryParse(value, out FileDigest hash) ? this with { Hash = hash } : null,
            "scope" => ReadScopes(text) is not TokenScopes.None and var scopes ? this with { Scopes = scopes } : null,
            "prefix" => IsPrefix(text) ? this with { Prefix = text } : null,
            "time" => isNumber && number <= Limits.UnixSeconds ? this with { UnixSeconds = number } : null,
            "note" => value.Length <= 3 * NoteBytes && Encoding.UTF8.GetByteCount(text) <= NoteBytes
                ? this with { Note = text } : null,
            _ => this,
        };
    }
}
