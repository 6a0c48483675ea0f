using System.Security.Cryptography;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>What whoever published may expect of one name.</summary>
/// <remarks>What was acknowledged is so. What broke off may have happened, or happen yet: its round at the index goes
/// on until the index is killed, or all is quiet.</remarks>
internal sealed class PublishedModel(string name)
{
    private readonly List<(string Hash, int Index)> _maybe = [];
    private readonly HashSet<string> _ever = [];
    private string _sure = Nothing;

    /// <summary>What a name shows that is not published.</summary>
    public const string Nothing = "nothing";

    public string Name => name;

    /// <summary>True when it is known which state the name is in.</summary>
    public bool IsSure => _maybe.Count == 0;

    /// <summary>True when something is certainly published under it.</summary>
    public bool IsThere => _sure != Nothing && _maybe.TrueForAll(one => one.Hash != Nothing);

    /// <summary>What the name may show, for whoever reads a failure.</summary>
    public string Expected => string.Join(" or ", _maybe.Select(one => one.Hash).Prepend(_sure).Distinct());

    public static string HashOf(byte[]? bytes) =>
        bytes is null ? Nothing : Convert.ToHexStringLower(SHA256.HashData(bytes))[..12];

    /// <summary>A change begins.</summary>
    public void Try(byte[]? bytes, int index)
    {
        _ever.Add(HashOf(bytes));
        _maybe.Add((HashOf(bytes), index));
    }

    /// <summary>It was acknowledged by an index that was started as the so-manieth.</summary>
    public void Acknowledge(byte[]? bytes, int index)
    {
        _sure = HashOf(bytes);
        _maybe.RemoveAll(one => one.Index < index || one.Hash == _sure);
    }

    /// <summary>It was refused: certainly nothing came of it.</summary>
    public void Refuse(byte[]? bytes) => _maybe.RemoveAt(_maybe.FindLastIndex(one => one.Hash == HashOf(bytes)));

    /// <summary>All is quiet, and this is what is there.</summary>
    public void Settle(byte[]? bytes)
    {
        _sure = HashOf(bytes);
        _maybe.Clear();
    }

    /// <summary>Whether a client may get this now.</summary>
    public bool Allows(byte[]? bytes) => HashOf(bytes) is var hash && (hash == _sure || _maybe.Exists(one => one.Hash == hash));

    /// <summary>Whether these bytes were ever to be published under the name.</summary>
    public bool Knows(byte[] bytes) => _ever.Contains(HashOf(bytes));
}
