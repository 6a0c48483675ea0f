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

    /// <summary>The same first few of the list, where a look at every file must cost next to nothing: nothing is
    /// allocated.</summary>
    /// <param name="digest">The file's digest.</param>
    /// <param name="isSpread">Whether the copies are to be in as many zones as there are.</param>
    /// <param name="field">The servers that may have one, with what each needs to be found; its order is lost.</param>
    /// <param name="chosen">Where the chosen go, the favourite first; as many as there are to be.</param>
    /// <returns>How many were chosen.</returns>
    public static int Choose(FileDigest digest, bool isSpread, Span<Contender> field, Span<int> chosen)
    {
        ulong key = SpotOf(digest);
        foreach (ref Contender one in field)
        {
            one.Distance = Rendezvous.Distance(key, one.Spot, one.Weight);
            one.Round = 0;
        }
        int count = 0;
        for (; count < chosen.Length && count < field.Length; count++)
        {
            int best = count;
            for (int at = count + 1; at < field.Length; at++)
            {
                if (field[at].IsBefore(field[best])) best = at;
            }
            (field[count], field[best]) = (field[best], field[count]);
            chosen[count] = field[count].Number;
            if (!isSpread) continue;
            int zone = field[count].Zone;
            foreach (ref Contender other in field[(count + 1)..])
            {
                if (other.Zone == zone) other.Round++;
            }
        }
        return count;
    }

    /// <summary>A server that may have a copy.</summary>
    /// <param name="number">Its number in the fleet.</param>
    /// <param name="spot">Its id as <see cref="Rendezvous"/> has it.</param>
    /// <param name="weight">What <see cref="WeightOf"/> says.</param>
    /// <param name="zone">A number for its zone.</param>
    internal struct Contender(int number, ulong spot, int weight, int zone)
    {
        public readonly int Number = number;
        public readonly ulong Spot = spot;
        public readonly int Weight = weight;
        public readonly int Zone = zone;
        public double Distance;
        public int Round;

        public readonly bool IsBefore(in Contender other) => Round != other.Round ? Round < other.Round
            : Distance != other.Distance ? Distance < other.Distance : Spot < other.Spot;
    }

    /// <summary>A file's place on the ring of no ring: any 64 bits of a digest are as good as chance.</summary>
    private static ulong SpotOf(FileDigest digest)
    {
        Span<byte> bytes = stackalloc byte[FileDigest.Length];
        digest.CopyTo(bytes);
        return BitConverter.ToUInt64(bytes);
    }

    /// <summary>How much a server takes against others.</summary>
    public static int WeightOf(in CopyPlace place) =>
        (int)Math.Clamp((place.Capacity + (WeightUnit / 2)) / WeightUnit, 1, MostWeight);
}
