using System.Collections.Concurrent;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>The tokens of the book, in memory: who shows which secret may do what.</summary>
/// <remarks>A row's key is the token's name, its value a 1 and the words of its grant. One more row has the key
/// <c>first</c>: the first token was made, and is not made again when it was taken back.</remarks>
internal sealed class TokenTable
{
    private static readonly byte[] First = "first"u8.ToArray();

    private readonly ConcurrentDictionary<string, TokenGrant> _grants = new(StringComparer.Ordinal);
    private volatile bool _hasBegun;

    /// <summary>True once the first token was made.</summary>
    public bool HasBegun => _hasBegun;

    /// <summary>All tokens, the oldest first.</summary>
    public IReadOnlyList<TokenGrant> All =>
        [.. _grants.Values.OrderBy(grant => grant.UnixSeconds).ThenBy(grant => grant.Id, StringComparer.Ordinal)];

    /// <summary>How many there are.</summary>
    public int Count => _grants.Count;

    /// <summary>The token of a name; null when there is none.</summary>
    public TokenGrant? Find(string id) => _grants.GetValueOrDefault(id);

    /// <summary>The row of a token.</summary>
    public static Records.RecordRow RowOf(TokenGrant grant) =>
        new((byte)BookKind.Token, KeyOf(grant.Id), Encoding.UTF8.GetBytes($"1 {grant.ToWords()}"));

    /// <summary>The row that says that the first token was made.</summary>
    public static Records.RecordRow BegunRow => new((byte)BookKind.Token, First, "1"u8.ToArray());

    /// <summary>The key of a token.</summary>
    public static byte[] KeyOf(string id) => Encoding.ASCII.GetBytes(id);

    /// <summary>Takes a row; false for one that this version cannot read.</summary>
    public bool TryTake(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (key.SequenceEqual(First))
        {
            _hasBegun = true;
            return value.SequenceEqual("1"u8);
        }
        if (!value.StartsWith("1 "u8) || TokenGrant.Read(new Words(value[2..])) is not { Hash.IsNone: false } grant
            || !key.SequenceEqual(KeyOf(grant.Id))) return false;
        _grants[grant.Id] = grant;
        return true;
    }

    /// <summary>A token was taken back.</summary>
    public void TakeOut(ReadOnlySpan<byte> key) => _grants.TryRemove(Encoding.ASCII.GetString(key), out _);

    /// <summary>All others were taken back.</summary>
    public void KeepOnly(IEnumerable<byte[]> keys)
    {
        HashSet<string> kept = [.. keys.Select(Encoding.ASCII.GetString)];
        foreach (string id in _grants.Keys.Where(id => !kept.Contains(id))) _grants.TryRemove(id, out _);
    }
}
