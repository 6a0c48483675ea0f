using System.Collections.Concurrent;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>One size of a file: who holds it, and when a server last came to hold it.</summary>
internal readonly record struct Holding(long Size, int Set, long Change);

/// <summary>The cards and notes of a <see cref="Catalog"/>; one writer, any row of readers.</summary>
internal sealed class CatalogTables(long seed)
{
    private const int SizeBits = 44;                       // 16 TiB
    private const int SetBits = 63 - SizeBits;             // half a million different groups of servers
    private const long SizeMask = (1L << SizeBits) - 1;
    private const long Noted = long.MinValue;              // the card only says that there is a note

    private readonly ConcurrentDictionary<int, Holding[]> _notes = [];

    public NameTable Names { get; } = new(seed);

    public ReplicaSets Sets { get; } = new();

    public int Held { get; private set; }

    /// <summary>Reads the card of a file on whose size all holders agree, or that nobody holds (set 0); false for a
    /// note.</summary>
    public bool TryCard(int row, out int set, out long size)
    {
        long card = Card(row);
        (set, size) = ((int)(card >> SizeBits), card & SizeMask);
        return card >= 0;
    }


    public Holding[] HoldingsOf(int row)
    {
        long card = Card(row);
        while (card < 0)
        {
            if (_notes.TryGetValue(row, out Holding[]? note)) return note;
            // The note was taken away since the card was read; the card that took its place stands already.
            card = Card(row);
        }
        return card >> SizeBits == 0 ? []
            : [new Holding(card & SizeMask, (int)(card >> SizeBits), 0)];
    }

    /// <summary>Notes that a server holds a file in a size; true when servers disagree about it now.</summary>
    public bool Put(int row, int server, long size, long change)
    {
        long card = Card(row);
        // The common case first: nobody holds it yet, or all who do hold the same size.
        if (card >= 0 && (card >> SizeBits == 0 || (card & SizeMask) == size) && size <= SizeMask)
        {
            int set = Sets.With((int)(card >> SizeBits), server);
            if (set < 1 << SetBits)
            {
                if (card >> SizeBits == 0) Held++;
                Write(row, ((long)set << SizeBits) | size);
                return false;
            }
        }
        return Rewrite(row, server, size, change);
    }

    /// <summary>Notes that a server no longer holds a file.</summary>
    public void Take(int row, int server, bool[] holds)
    {
        long card = Card(row);
        if (card >= 0 && holds[(int)(card >> SizeBits)])
        {
            int set = Sets.Without((int)(card >> SizeBits), server);
            if (set == 0) Held--;
            Write(row, set == 0 ? 0 : ((long)set << SizeBits) | (card & SizeMask));
        }
        else if (card < 0) Rewrite(row, server, null, 0);
    }

    // The rare case: takes the server out of whatever size it held and puts it to the one it holds now.
    private bool Rewrite(int row, int server, long? size, long change)
    {
        List<Holding> holdings = [.. HoldingsOf(row)];
        bool wasHeld = holdings.Count > 0;
        // Repeating an old announcement is no change.
        if (holdings.Exists(h => h.Size == size && Sets.Holds(h.Set, server))) return holdings.Count > 1;
        for (int at = 0; at < holdings.Count; at++)
        {
            holdings[at] = holdings[at] with { Set = Sets.Without(holdings[at].Set, server) };
        }
        holdings.RemoveAll(h => h.Set == 0);
        if (size is { } held)
        {
            int same = holdings.FindIndex(h => h.Size == held);
            if (same >= 0) holdings[same] = new Holding(held, Sets.With(holdings[same].Set, server), change);
            else holdings.Add(new Holding(held, Sets.With(0, server), change));
        }
        if (wasHeld != holdings.Count > 0) Held += wasHeld ? -1 : 1;
        Publish(row, [.. holdings]);
        return holdings.Count > 1;
    }

    private void Publish(int row, Holding[] holdings)
    {
        if (holdings is [] or [{ Size: <= SizeMask, Set: < 1 << SetBits }])
        {
            Write(row, holdings is [] ? 0 : ((long)holdings[0].Set << SizeBits) | holdings[0].Size);
            _notes.TryRemove(row, out _);
        }
        else
        {
            // The note stands before the card points to it.
            _notes[row] = holdings;
            Write(row, Noted);
        }
    }

    private void Write(int row, long card) => Volatile.Write(ref Names.ValueOf(row), card);

    private long Card(int row) => Volatile.Read(ref Names.ValueOf(row));
}
