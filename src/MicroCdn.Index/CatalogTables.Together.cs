using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

// What concerns many files at once: those that change together, and those that are asked for together.
internal sealed partial class CatalogTables
{
    /// <summary>Has readers see these files as they are now, whatever is changed meanwhile, until
    /// <see cref="DrawUp"/>; the writer's alone.</summary>
    public void DrawDown(IEnumerable<int> rows)
    {
        Dictionary<int, (Copies, Holding[]?, PublishedName?)> curtain = [];
        foreach (int row in rows)
        {
            Copies copies = LookBehind(row, out Holding[]? note);
            curtain[row] = (copies, note, TryPublishedBehind(row, out PublishedName published) ? published : null);
        }
        Volatile.Write(ref _curtain, curtain);
    }

    /// <summary>Has readers see in one step all that was changed; the writer's alone.</summary>
    public void DrawUp() => Volatile.Write(ref _curtain, null);

    /// <summary>Brings near what looking up these names will ask for, the states that their cards lead to
    /// too.</summary>
    public long BringNear(ReadOnlySpan<byte> text, ReadOnlySpan<Range> names)
    {
        Span<long> cards = stackalloc long[NameTable.Together];
        cards = cards[..names.Length];
        long read = Names.BringNear(text, names, cards);
        foreach (long card in cards)
        {
            if (card >= 0 && (card & HasVersion) != 0) read += Versions[VersionOf(card)].Size;
        }
        return read;
    }
}
