using System.IO.Hashing;
using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>Which group of servers had which published bytes, while an index starts.</summary>
/// <remarks>A name and its digest are one number here: two that share it would share their group, and a client would
/// ask a server in vain. They are kept in the sequence in which they were written, which is nearly that of the book:
/// who asks for them in that sequence finds each behind the one before. Only for the others a card index is made. Ten
/// million take 120 MiB, 180 with the cards, for as long as the start lasts.</remarks>
/// <param name="most">Most that will be kept.</param>
internal sealed class HolderTable(int most)
{
    private readonly ulong[] _keys = new ulong[most];
    private readonly int[] _groups = new int[most];
    private int[] _slots = [];
    private int _count;
    private int _next;

    /// <summary>What stands for a name and its digest; never 0.</summary>
    public static ulong KeyOf(ReadOnlySpan<byte> name, FileDigest digest)
    {
        Span<byte> bytes = stackalloc byte[FileDigest.Length];
        digest.CopyTo(bytes);
        return XxHash3.HashToUInt64(name, BitConverter.ToInt64(bytes)) | 1;
    }

    /// <summary>Keeps one more; before anything is asked for.</summary>
    public void Add(ulong key, int group) => (_keys[_count], _groups[_count++]) = (key, group);

    /// <summary>The group of a key; -1 when there is none.</summary>
    public int Find(ulong key)
    {
        if (_next >= _count || _keys[_next] != key)
        {
            if (_count == 0) return -1;
            if (_slots.Length == 0) MakeSlots();
            int found = _slots[SlotOf(key)] - 1;
            if (found < 0) return -1;
            _next = found;
        }
        return _groups[_next++];
    }

    private void MakeSlots()
    {
        _slots = new int[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)_count * 4 / 3 + 1)];
        for (int at = 0; at < _count; at++) _slots[SlotOf(_keys[at])] = at + 1;
    }

    private int SlotOf(ulong key)
    {
        int mask = _slots.Length - 1;
        int at = (int)(key >> 1) & mask;
        while (_slots[at] != 0 && _keys[_slots[at] - 1] != key) at = (at + 1) & mask;
        return at;
    }
}
