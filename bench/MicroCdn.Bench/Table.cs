using System.Globalization;

namespace MicroCdn.Bench;

/// <summary>Prints rows as an aligned Markdown table: words to the left, figures to the right.</summary>
internal sealed class Table(string title, params string[] heads)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row with one cell for each head.</summary>
    public void Add(params string[] cells)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(cells.Length, heads.Length);
        _rows.Add(cells);
    }

    /// <summary>Writes the title, the rows, and the sentences below them.</summary>
    public void Print(params ReadOnlySpan<string> notes)
    {
        int[] widths = [.. heads.Select((head, at) => Math.Max(3, _rows.Append(heads).Max(row => row[at].Length)))];
        bool[] figures = [.. heads.Select((_, at) => _rows.Count > 0 && _rows.TrueForAll(row => IsFigure(row[at])))];
        Console.WriteLine();
        Console.WriteLine($"### {title}");
        Console.WriteLine();
        Console.WriteLine(Line(heads, widths, figures));
        string[] rules = [.. widths.Select((width, at) => new string('-', width - 1) + (figures[at] ? ':' : '-'))];
        Console.WriteLine(Line(rules, widths, figures));
        foreach (string[] row in _rows) Console.WriteLine(Line(row, widths, figures));
        Console.WriteLine();
        foreach (string note in notes) Console.WriteLine(note);
    }

    private static bool IsFigure(string cell) => cell is [>= '0' and <= '9' or '-' or '+', ..];

    private static string Line(string[] cells, int[] widths, bool[] figures)
    {
        IEnumerable<string> wide =
            cells.Select((cell, at) => figures[at] ? cell.PadLeft(widths[at]) : cell.PadRight(widths[at]));
        return $"| {string.Join(" | ", wide)} |";
    }
}

/// <summary>The median of some rounds, with the least and the most beside it.</summary>
internal readonly record struct Spread(double Median, double Least, double Most)
{
    /// <summary>The spread of at least one figure.</summary>
    public static Spread Of(IEnumerable<double> figures)
    {
        double[] sorted = [.. figures.Order()];
        int half = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }

    /// <summary>The figures in a number format such as N0, as <c>median (least-most)</c>.</summary>
    public string Show(string format, string unit = "")
    {
        return $"{One(Median)}{unit} ({One(Least)}-{One(Most)})";

        string One(double figure) => figure.ToString(format, CultureInfo.InvariantCulture);
    }
}
