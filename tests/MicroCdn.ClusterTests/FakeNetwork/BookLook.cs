using System.Globalization;
using System.Text;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>Somebody asks an index for all names one after another, twice, and for what is staged: once the first is
/// new, the others are.</summary>
internal sealed class BookLook(FakeWorld world, PlayedClients clients)
{
    private static string[] Files => PlayedActs.Files;

    /// <summary>Looks once.</summary>
    /// <param name="host">The index.</param>
    /// <param name="see">Takes what was seen; false when that cannot be.</param>
    /// <param name="expectedOf">What a name may show, in words.</param>
    /// <param name="counts">Whether it counts that nobody has a name; by default it does not.</param>
    /// <returns>False when not all was answered.</returns>
    public async Task<bool> AtAsync(string host, Func<Predicate<BookWorld>, bool> see, Func<string, string> expectedOf,
        Predicate<string>? counts = null)
    {
        string[] asked = [.. Files.Concat(Files).OrderBy(_ => world.Chance.Next())];
        StringBuilder lines = new();
        foreach (string name in asked)
        {
            string word = name.Replace(" ", "%20", StringComparison.Ordinal);
            lines.Append(CultureInfo.InvariantCulture, $"STAT {word}\nLOCATE {word}\n");
        }
        foreach (string release in PlayedActs.Releases)
        {
            lines.Append(CultureInfo.InvariantCulture, $"PUBLISHED release={release}\n");
        }
        int answers = (2 * asked.Length) + PlayedActs.Releases.Length;
        List<string> said = await clients.AskAsync(host, lines.ToString(), answers);
        for (int at = 0; at < said.Count; at++)
        {
            if (at >= 2 * asked.Length) SeeStaged(PlayedActs.Releases[at - (2 * asked.Length)], said[at], see, host);
            else if (Seen(said[at], at % 2 == 0 || counts?.Invoke(asked[at / 2]) == true) is { } hash)
            {
                string name = asked[at / 2];
                string how = at % 2 == 0 ? "stands in the book of" : "is located by";
                string expected = expectedOf(name);
                world.Check(see(book => book.HashOf(name) == hash),
                    $"{name} {how} {host} as {expected}, with what was seen before", hash);
            }
        }
        return said.Count == answers;
    }

    private static string? Seen(string answer, bool counts)
    {
        int at = answer.IndexOf(" sha256=", StringComparison.Ordinal);
        if (at >= 0) return answer.Substring(at + 8, 12);
        return counts && answer == "ERROR FILE_NOT_FOUND" ? PublishedModel.Nothing : null;
    }

    private void SeeStaged(string release, string answer, Func<Predicate<BookWorld>, bool> see, string host)
    {
        if (!answer.EndsWith("END", StringComparison.Ordinal)
            || answer.StartsWith("WRITER ", StringComparison.Ordinal)) return;
        string[][] lines = [.. answer.Split('\n')[..^1].Select(line => line.Split(' '))];
        string staged = string.Join(',', lines.Select(words => words[1].Replace("%20", " ", StringComparison.Ordinal)
            + "=" + (words[0] == "REMOVED" ? PublishedModel.Nothing : words[4].Substring(7, 12)))
            .Order(StringComparer.Ordinal));
        world.Check(see(book => book.StagedIn(release) == staged), $"{release} at {host} has what was staged", staged);
    }
}
