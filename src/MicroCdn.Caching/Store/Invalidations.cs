namespace MicroCdn.Caching.Store;

/// <summary>When the copies of a key were last made invalid by a change at the origin, for what was asked for before
/// and is stored only later.</summary>
/// <remarks>Every client may cause such changes, so they take no room that grows: a key shares its place with one in
/// 65,536 others. A fetch during which another key of its place changed is not stored, which costs one miss; copies
/// that are stored already are taken out exactly, and never judged by this.</remarks>
internal sealed class Invalidations
{
    // 512 KiB. A fetch of a second amid a thousand changes a second is lost by chance one time in 66.
    private const int Places = 65_536;

    private readonly long[] _numbers = new long[Places];

    /// <summary>Notes a change. Its owner holds a lock.</summary>
    public void Note(UInt128 id, long number) => Volatile.Write(ref _numbers[PlaceOf(id)], number);

    /// <summary>True when something with this number may be of before the last change.</summary>
    public bool AreAfter(UInt128 id, long number) => number < Volatile.Read(ref _numbers[PlaceOf(id)]);

    private static int PlaceOf(UInt128 id) => (int)((ulong)id % Places);
}
