namespace MicroCdn.Protocol;

/// <summary>Finds the word that somebody may have meant.</summary>
public static class NearWord
{
    private const int MostLetters = 64;

    /// <summary>The nearest word; null when none is near.</summary>
    public static string? Of(string word, IEnumerable<string> words)
    {
        if (word.Length > MostLetters) return null;
        string plain = Plain(word);
        (string? near, int least) = (null, (plain.Length / 4) + 1);
        foreach (string candidate in words)
        {
            int distance = Distance(plain, Plain(candidate));
            if (distance > least || (distance == least && near is not null)) continue;
            (near, least) = (candidate, distance);
        }
        return near;
    }

    // Written as a flag, or with other capitals, it is the same word.
    private static string Plain(string word) =>
        string.Concat(word.Where(c => c is not ('-' or '_' or '.'))).ToUpperInvariant();

    // The changes of one letter, or of two that changed places, that make one word the other (optimal alignment),
    // row by row.
    private static int Distance(string one, string other)
    {
        int[] above = [.. Enumerable.Range(0, other.Length + 1)], twoAbove = above;
        for (int i = 0; i < one.Length; i++)
        {
            int[] row = new int[other.Length + 1];
            row[0] = i + 1;
            for (int j = 0; j < other.Length; j++)
            {
                int change = above[j] + (one[i] == other[j] ? 0 : 1);
                row[j + 1] = Math.Min(change, Math.Min(above[j + 1], row[j]) + 1);
                bool isSwapped = i > 0 && j > 0 && one[i] == other[j - 1] && one[i - 1] == other[j];
                if (isSwapped) row[j + 1] = Math.Min(row[j + 1], twoAbove[j - 1] + 1);
            }
            (twoAbove, above) = (above, row);
        }
        return above[^1];
    }
}
