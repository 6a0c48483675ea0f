using System.Buffers.Binary;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>How many copies of what lies below a prefix there are to be, and where.</summary>
/// <param name="Replicas">How many copies, 1 to <see cref="Limits.Replicas"/>.</param>
/// <param name="IsSpread">Whether they are to be in as many zones as there are.</param>
/// <param name="Servers">The servers that may have one; none named means all.</param>
/// <remarks>As a row: one byte for the form, one for the replicas, one for the spread, then two of length, little
/// endian, and the id of each server.</remarks>
internal sealed record ReplicationPolicy(byte Replicas, bool IsSpread, IReadOnlyList<ServerId> Servers)
{
    private const byte Form = 1;

    /// <summary>What counts where nobody said anything: a copy that one dead disk does not lose.</summary>
    public static ReplicationPolicy Usual { get; } = new(2, IsSpread: false, []);

    /// <summary>The policy that words say; null for none.</summary>
    public static ReplicationPolicy? Of(PolicyWords words) =>
        words.Replicas == 0 ? null : new((byte)words.Replicas, words.IsSpread, words.Servers);

    /// <summary>This policy as words.</summary>
    public PolicyWords For(string prefix) => new(prefix, Replicas, IsSpread, Servers);

    /// <summary>The row's value.</summary>
    public byte[] Write()
    {
        List<byte> value = [Form, Replicas, (byte)(IsSpread ? 1 : 0)];
        foreach (ServerId server in Servers)
        {
            byte[] id = Encoding.UTF8.GetBytes(server.Value);
            value.AddRange((byte)id.Length, (byte)(id.Length >> 8));
            value.AddRange(id);
        }
        return [.. value];
    }

    /// <summary>Reads the row's value; null for one that no version of ours wrote, or a later one.</summary>
    public static ReplicationPolicy? Read(ReadOnlySpan<byte> value)
    {
        if (value is not [Form, >= 1 and <= Limits.Replicas, 0 or 1, .. var rest]) return null;
        List<ServerId> servers = [];
        while (!rest.IsEmpty)
        {
            if (rest.Length < sizeof(ushort) || servers.Count == PolicyWords.MostServers) return null;
            int length = BinaryPrimitives.ReadUInt16LittleEndian(rest);
            if (rest.Length < sizeof(ushort) + length) return null;
            if (!ServerId.TryCreate(rest.Slice(sizeof(ushort), length), out ServerId id)) return null;
            servers.Add(id);
            rest = rest[(sizeof(ushort) + length)..];
        }
        return new ReplicationPolicy(value[1], value[2] == 1, servers);
    }
}

/// <summary>The policies by prefix; the longest prefix of a name counts.</summary>
/// <remarks>They are few, and a table is replaced whole: readers take the one of the moment.</remarks>
internal sealed class PolicyTable
{
    /// <summary>Most policies: all are held against each name.</summary>
    public const int Most = 256;

    // The longest prefix first.
    private readonly (byte[] Prefix, ReplicationPolicy Policy)[] _rules;

    private PolicyTable((byte[], ReplicationPolicy)[] rules) => _rules = rules;

    /// <summary>No policy: the usual one counts for all.</summary>
    public static PolicyTable Empty { get; } = new([]);

    /// <summary>How many there are.</summary>
    public int Count => _rules.Length;

    /// <summary>All of them, the longest prefix first.</summary>
    public IEnumerable<PolicyWords> All =>
        _rules.Select(rule => rule.Policy.For(Encoding.UTF8.GetString(rule.Prefix)));

    /// <summary>The table with one policy more, or another one for a prefix; without it when it is null.</summary>
    public PolicyTable With(ReadOnlySpan<byte> prefix, ReplicationPolicy? policy)
    {
        byte[] key = prefix.ToArray();
        IEnumerable<(byte[] Prefix, ReplicationPolicy)> rules =
            _rules.Where(rule => !rule.Prefix.AsSpan().SequenceEqual(key));
        if (policy is not null) rules = rules.Append((key, policy));
        return new PolicyTable([.. rules.OrderByDescending(rule => IsEvery(rule.Prefix) ? 0 : rule.Prefix.Length)]);
    }

    /// <summary>The policy of a name.</summary>
    public ReplicationPolicy Of(ReadOnlySpan<byte> name)
    {
        foreach ((byte[] prefix, ReplicationPolicy policy) in _rules)
        {
            if (name.StartsWith(prefix) || IsEvery(prefix)) return policy;
        }
        return ReplicationPolicy.Usual;
    }

    private static bool IsEvery(ReadOnlySpan<byte> prefix) => prefix is [(byte)'/'];
}
