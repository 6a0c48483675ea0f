using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>A content server as a place for copies.</summary>
/// <param name="Number">Its number in the fleet.</param>
/// <param name="Spot">Its id as <see cref="Rendezvous"/> has it.</param>
/// <param name="Capacity">How many bytes of published files it takes in all.</param>
/// <param name="Free">How many more it takes now, above the room that it keeps free.</param>
/// <param name="Zone">Where it stands; empty when it does not say.</param>
internal readonly record struct CopyPlace(int Number, ulong Spot, long Capacity, long Free, string Zone);

/// <summary>Which servers a file's copies belong on.</summary>
/// <remarks>
/// <para>Think of a school that seats children by their own list of favourite desks: every child has one, made by
/// chance once and for all, and takes the first desks on it that exist and are free. A new desk is taken by the few who
/// like it best, and nobody else moves; the desk that breaks sends its children to the next on their lists, each to
/// another.</para>
/// <para>The list is by weighted rendezvous hashing of the file's digest; a server's weight is its capacity, so that
/// all fill up alike. Every index works out the same from the same facts, and nothing has to be remembered.</para>
/// <para>Spread over zones, a zone is asked for a second copy only when every zone has one.</para>
/// </remarks>
internal static class Placement
{
    // What is too small to make a difference is taken for equal; and a weight is a whole number.
    private const long WeightUnit = 1L << 30;
    private const int MostWeight = 1 << 24;

    /// <summary>Chooses where the copies of a file belong, the favourite first.</summary>
    /// <param name="digest">The file's digest.</param>
    /// <param name="size">The file's size in bytes.</param>
    /// <param name="replicas">How many copies there are to be.</param>
    /// <param name="isSpread">Whether they are to be in as many zones as there are.</param>
    /// <param name="places">The servers that may have one.</param>
    /// <param name="holds">Whether a server has the file already: it needs no room for it.</param>
    /// <returns>Fewer than wanted when there are not enough places.</returns>
    public static List<int> Choose(FileDigest digest, long size, int replicas, bool isSpread,
        IReadOnlyList<CopyPlace> places, Predicate<int> holds)
    {
        ulong key = SpotOf(digest);
        List<(double Distance, CopyPlace Place)> order = new(places.Count);
        foreach (CopyPlace place in places)
        {
            if (place.Free < size && !holds(place.Number)) continue;
            order.Add((Rendezvous.Distance(key, place.Spot, WeightOf(place)), place));
        }
        order.Sort(static (one, other) =>
            (one.Distance, one.Place.Spot).CompareTo((other.Distance, other.Place.Spot)));
        if (!isSpread) return [.. order.Take(replicas).Select(one => one.Place.Number)];
        // The first of each zone, then the second of each, and so on; each round in the order of the list.
        Dictionary<string, int> taken = [];
        return [.. order.Select((one, at) =>
        {
            int round = taken[one.Place.Zone] = taken.GetValueOrDefault(one.Place.Zone) + 1;
            return (Round: round, At: at, one.Place.Number);
        }).OrderBy(one => (one.Round, one.At)).Take(replicas).Select(one => one.Number)];
    }

    /// <summary>A file's place on the ring of no ring: any 64 bits of a digest are as good as chance.</summary>
    private static ulong SpotOf(FileDigest digest)
    {
        Span<byte> bytes = stackalloc byte[FileDigest.Length];
        digest.CopyTo(bytes);
        return BitConverter.ToUInt64(bytes);
    }

    private static int WeightOf(in CopyPlace place) =>
        (int)Math.Clamp((place.Capacity + (WeightUnit / 2)) / WeightUnit, 1, MostWeight);
}
