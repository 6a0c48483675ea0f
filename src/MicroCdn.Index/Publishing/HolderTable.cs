using System.IO.Hashing;
using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>Which group of servers had which published bytes, while an index starts.</summary>
/// <remarks>A name and its digest are one number here: two that share it would share their group, and a client would
/// ask a server in vain. Ten million take 200 MiB, for as long as the start lasts.</remarks>
internal sealed class HolderTable
{
    private readonly (ulong Key, int Group)[] _slots;

    /// <summary>Makes room for so many.</summary>
    public HolderTable(int count) =>
        _slots = new (ulong, int)[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(count, 8) * 4 / 3)];

    /// <summary>What stands for a name and its digest; never 0.</summary>
    public static ulong KeyOf(ReadOnlySpan<byte> name, FileDigest digest)
    {
        Span<byte> bytes = stackalloc byte[FileDigest.Length];
        digest.CopyTo(bytes);
        return XxHash3.HashToUInt64(name, BitConverter.ToInt64(bytes)) | 1;
    }

    /// <summary>Keeps one more; no more than there is room for.</summary>
    public void Add(ulong key, int group)
    {
        ref (ulong Key, int Group) slot = ref SlotOf(key);
        slot = (key, group);
    }

    /// <summary>The group of a key; -1 when there is none.</summary>
    public int Find(ulong key)
    {
        (ulong found, int group) = SlotOf(key);
        return found == key ? group : -1;
    }

    private ref (ulong Key, int Group) SlotOf(ulong key)
    {
        int mask = _slots.Length - 1;
        int at = (int)(key >> 1) & mask;
        while (_slots[at].Key != 0 && _slots[at].Key != key) at = (at + 1) & mask;
        return ref _slots[at];
    }
}
