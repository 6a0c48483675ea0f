namespace MicroCdn.Index.Publishing;

/// <summary>What one look over all that is published found.</summary>
internal sealed class HealTally(CopyKeeper[] keepers)
{
    /// <summary>Most names without any live copy that are told by name.</summary>
    public const int MostNamed = 100;

    /// <summary>How many names are published.</summary>
    public long Names { get; private set; }

    /// <summary>How many copies of them there are to be.</summary>
    public long Wanted { get; private set; }

    /// <summary>How many of these there are, or are expected back.</summary>
    public long There { get; private set; }

    /// <summary>How many there are not.</summary>
    public long Missing => Wanted - There;

    /// <summary>How many copies are to be fetched: those that are missing, and those that belong elsewhere.</summary>
    public long ToMake { get; private set; }

    /// <summary>How many bytes these have.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many names have missing copies that no server may take.</summary>
    public long Stuck { get; private set; }

    /// <summary>How many names nobody can give now.</summary>
    public long Lost { get; private set; }

    /// <summary>Some of them.</summary>
    public List<string> LostNames { get; } = [];

    /// <summary>By number of the server, the copies that it has.</summary>
    public long[] Copies { get; } = new long[keepers.Length];

    /// <summary>By number of a server that is to go, its files that are not safe elsewhere yet.</summary>
    public long[] Left { get; } = new long[keepers.Length];

    /// <summary>By number of the server, whether it is to go.</summary>
    public bool[] IsLeaving { get; } = [.. keepers.Select(keeper => keeper.Worth == CopyWorth.Leaving)];

    /// <summary>By number of the server, whether some file found no room on it.</summary>
    public bool[] Full { get; set; } = new bool[keepers.Length];

    /// <summary>Counts one name.</summary>
    public void Add(ReadOnlySpan<byte> name, long size, ReadOnlySpan<ushort> holders, HealNeed need)
    {
        Names++;
        Wanted += need.Wanted;
        There += need.Wanted - need.Missing;
        int toMake = Math.Max(need.Missing, need.Targets.Count);
        ToMake += toMake;
        Bytes += toMake * size;
        if (need.IsStuck) Stuck++;
        if (!need.HasGoodSource)
        {
            Lost++;
            if (LostNames.Count < MostNamed) LostNames.Add(System.Text.Encoding.UTF8.GetString(name));
        }
        foreach (ushort holder in holders)
        {
            if (holder >= Copies.Length) continue;
            Copies[holder]++;
            if (IsLeaving[holder] && need.Live < need.Wanted) Left[holder]++;
        }
    }
}
