namespace MicroCdn;

/// <summary>Rows of a table for people: each column as wide as what is in it, two spaces between.</summary>
internal static class Columns
{
    /// <summary>The lines.</summary>
    /// <param name="head">The heads; one that begins with a space stands at the right, as numbers do.</param>
    /// <param name="rows">The rows, as many cells each.</param>
    public static IEnumerable<string> Lines(string[] head, IReadOnlyCollection<string[]> rows)
    {
        int[] widths = [.. head.Select((name, column) =>
            rows.Select(row => row[column].Length).Append(name.Trim().Length).Max())];
        return rows.Prepend([.. head.Select(name => name.Trim())]).Select(row => string.Join("  ", row.Select(
            (cell, column) => head[column].StartsWith(' ') ? cell.PadLeft(widths[column])
                : cell.PadRight(widths[column]))).TrimEnd());
    }
}
