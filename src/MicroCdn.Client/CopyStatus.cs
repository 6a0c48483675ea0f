using System.Globalization;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>How many copies of what is published there are, as the index that publishes says.</summary>
public sealed class CopyStatus
{
    private readonly Dictionary<string, string> _words;

    private CopyStatus(
        Dictionary<string, string> words, IReadOnlyList<ServerCopies> servers, IReadOnlyList<string> lost) =>
        (_words, Servers, LostNames) = (words, servers, lost);

    /// <summary>How many names are published.</summary>
    public long Names => Number(_words, "names");

    /// <summary>How many copies of them there are to be.</summary>
    public long Copies => Number(_words, "copies");

    /// <summary>How many there are, or are expected back shortly.</summary>
    public long There => Number(_words, "there");

    /// <summary>How many are being fetched.</summary>
    public long Making => Number(_words, "making");

    /// <summary>How many there are not.</summary>
    public long Missing => Number(_words, "missing");

    /// <summary>How many names miss copies that no server can take.</summary>
    public long Stuck => Number(_words, "stuck");

    /// <summary>How many names nobody can give now.</summary>
    public long Lost => Number(_words, "lost");

    /// <summary>How many bytes are still to be fetched.</summary>
    public long BytesLeft => Number(_words, "left");

    /// <summary>How many bytes were fetched in a second, lately.</summary>
    public long Speed => Number(_words, "speed");

    /// <summary>How long it will take at that speed; null when that cannot be said.</summary>
    public TimeSpan? TimeLeft => _words.ContainsKey("seconds")
        ? TimeSpan.FromSeconds(Math.Min(Number(_words, "seconds"), int.MaxValue)) : null;

    /// <summary>The servers.</summary>
    public IReadOnlyList<ServerCopies> Servers { get; }

    /// <summary>Some of the names that nobody can give now.</summary>
    public IReadOnlyList<string> LostNames { get; }

    /// <summary>Asks.</summary>
    /// <exception cref="CdnException">No index could be asked.</exception>
    public static async Task<CopyStatus> AskAsync(Publisher publisher, CancellationToken cancellationToken) =>
        Read(await publisher.OrderAsync("STATUS", cancellationToken).ConfigureAwait(false))
            ?? throw new CdnException(CdnFailure.Refused, "the index gave an answer that is none.");

    /// <summary>Reads the lines of an answer to STATUS; null when they are none.</summary>
    public static CopyStatus? Read(IReadOnlyList<string> lines)
    {
        if (lines is not [{ } first, ..] || !first.StartsWith("STATUS ", StringComparison.Ordinal)) return null;
        List<ServerCopies> servers = [];
        List<string> lost = [];
        foreach (string line in lines.Skip(1))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is ["SERVER", { } id, ..]) servers.Add(Read(id, PairsOf(words)));
            else if (words is ["LOST", { } name]) lost.Add(PercentText.TextOf(Encoding.UTF8.GetBytes(name)));
        }
        return new CopyStatus(PairsOf(first.Split(' ')), servers, lost);
    }

    private static ServerCopies Read(string id, Dictionary<string, string> words) => new(
        id, words.GetValueOrDefault("state", ""), Number(words, "copies"))
    {
        Capacity = words.ContainsKey("capacity") ? Number(words, "capacity") : null,
        Free = words.ContainsKey("free") ? Number(words, "free") : null,
        IsRetired = words.ContainsKey("retired"),
        Left = words.ContainsKey("left") ? Number(words, "left") : null,
        IsFull = words.ContainsKey("full"),
        Wrong = Number(words, "wrong"),
    };

    private static Dictionary<string, string> PairsOf(string[] words)
    {
        Dictionary<string, string> pairs = [];
        foreach (string word in words)
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0) pairs[word[..equals]] = word[(equals + 1)..];
        }
        return pairs;
    }

    private static long Number(Dictionary<string, string> words, string word) =>
        words.TryGetValue(word, out string? text)
        && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;
}

/// <summary>One server as a keeper of copies.</summary>
/// <param name="Id">Its id.</param>
/// <param name="State">What the index believes of it.</param>
/// <param name="Copies">How many copies it has.</param>
public sealed record ServerCopies(string Id, string State, long Copies)
{
    /// <summary>How many bytes it keeps at most; null when it keeps nothing that is published.</summary>
    public long? Capacity { get; init; }

    /// <summary>How many more it takes.</summary>
    public long? Free { get; init; }

    /// <summary>True when an operator retired it.</summary>
    public bool IsRetired { get; init; }

    /// <summary>Of one that is to go how many of its files are not safe elsewhere yet; null for the others.</summary>
    public long? Left { get; init; }

    /// <summary>True when some file found no room on it.</summary>
    public bool IsFull { get; init; }

    /// <summary>How many of its copies were found to have other bytes.</summary>
    public long Wrong { get; init; }
}
