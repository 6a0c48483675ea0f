using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>A policy as it travels: <c>prefix replicas=N [spread=1] [server=ID]...</c>; the prefix alone takes it
/// out.</summary>
/// <param name="Prefix">What the names begin with; <see cref="Every"/> for every name.</param>
/// <param name="Replicas">How many copies there are to be, 1 to <see cref="Limits.Replicas"/>; 0 for no
/// policy.</param>
/// <param name="IsSpread">Whether they are to be in as many zones as there are.</param>
/// <param name="Servers">The servers that may have one, at most <see cref="MostServers"/>; none named means
/// all.</param>
public sealed record PolicyWords(string Prefix, int Replicas, bool IsSpread, IReadOnlyList<ServerId> Servers)
{
    /// <summary>Most servers that a policy names.</summary>
    public const int MostServers = 64;

    /// <summary>The prefix of every name; no name begins with it.</summary>
    public const string Every = "/";

    /// <summary>For <see cref="Match"/>: whichever policy there is.</summary>
    public const string Any = "*";

    private const int TagBytes = 8;

    /// <summary>Of one that is to be set or taken out: the <see cref="Tag"/> of the one that is to be there now,
    /// <see cref="Any"/>, or null for no such condition.</summary>
    public string? Match { get; init; }

    /// <summary>What it says, without prefix and condition; empty for no policy.</summary>
    public string Rule => Replicas == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"replicas={Replicas}")
        + (IsSpread ? " spread=1" : "") + string.Concat(Servers.Select(server => $" server={server}"));

    /// <summary>The words.</summary>
    public string Text => Plain + (Match is null ? "" : $" match={Match}");

    /// <summary>Tells this policy from every other one: 16 hex digits.</summary>
    public string Tag =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Plain)).AsSpan(0, TagBytes));

    private string Plain => $"{PercentText.WordOf(Prefix)} {Rule}".TrimEnd(' ');

    /// <summary>True for what may be a prefix: the beginning of names, or <see cref="Every"/>.</summary>
    public static bool IsPrefix(string prefix) =>
        prefix == Every || (prefix.Length > 0 && TokenGrant.IsPrefix(prefix));

    /// <summary>Reads the words after the verb; null when they are none.</summary>
    public static PolicyWords? Read(Words words)
    {
        if (!words.Next(out ReadOnlySpan<byte> encoded)) return null;
        string prefix = PercentText.TextOf(encoded);
        long replicas = 0;
        bool isSpread = false, isValid = IsPrefix(prefix);
        List<ServerId> servers = [];
        string? match = null;
        while (isValid && words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (key.SequenceEqual("replicas"u8))
            {
                isValid = Words.IsNumber(value, out replicas) && replicas is >= 1 and <= Limits.Replicas;
            }
            else if (key.SequenceEqual("spread"u8)) isSpread = value.SequenceEqual("1"u8);
            else if (key.SequenceEqual("server"u8))
            {
                isValid = ServerId.TryCreate(value, out ServerId server) && servers.Count < MostServers;
                servers.Add(server);
            }
            else if (key.SequenceEqual("match"u8))
            {
                match = Encoding.UTF8.GetString(value);
                isValid = match == Any || (match.Length == 2 * TagBytes && match.All(char.IsAsciiHexDigitLower));
            }
        }
        isValid &= words.AtEnd && (replicas > 0 || (!isSpread && servers.Count == 0));
        return isValid ? new PolicyWords(prefix, (int)replicas, isSpread, servers) { Match = match } : null;
    }

    /// <summary>True when what this one is to replace is what there is; null for none.</summary>
    public bool Suits(PolicyWords? there) =>
        Match is null || (there is not null && (Match == Any || Match == there.Tag));
}
