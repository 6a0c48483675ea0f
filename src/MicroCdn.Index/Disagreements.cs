using System.Text;

namespace MicroCdn.Index;

/// <summary>Whose copies are not offered since they are not what most live servers hold, for the list of
/// servers.</summary>
internal sealed class Disagreements
{
    // While a new version of everything spreads there may be millions; who asks for the list waits a millisecond or two
    // for this many, and the log names more.
    private const int MostLookedAt = 2_000;

    private readonly Dictionary<Server, (int Count, string First)> _copies = [];
    private bool _isCut;

    /// <summary>What is so now.</summary>
    public static Disagreements Of(Router router)
    {
        Disagreements found = new();
        FileDirectory directory = new(router);
        Catalog.View view = router.Catalog.Now;
        int looked = 0;
        foreach (int row in view.Noted)
        {
            found._isCut = looked++ == MostLookedAt;
            if (found._isCut) break;
            foreach (OtherCopy copy in directory.NotOffered(view, row)) found.Add(copy.Server, view.NameOf(row));
        }
        return found;
    }

    /// <summary>What is to be said of a server; empty when nothing.</summary>
    public string About(Server server)
    {
        if (!_copies.TryGetValue(server, out (int Count, string First) copies)) return "";
        string files = copies.Count == 1 ? $"'{copies.First}'"
            : $"'{copies.First}' and {(_isCut ? "at least " : "")}{copies.Count - 1} more";
        return $"not offered for {files}: its copies differ from those of most live servers";
    }

    private void Add(Server server, ReadOnlySpan<byte> name)
    {
        _copies[server] = _copies.TryGetValue(server, out (int Count, string First) known)
            ? (known.Count + 1, known.First) : (1, Shorten(Encoding.UTF8.GetString(name)));
    }

    private static string Shorten(string name) => name.Length <= 60 ? name : $"{name[..60]}...";
}
