using System.Text;

namespace MicroCdn.Top;

/// <summary>A whole terminal that is drawn anew whenever something changed, and is as before when it is left.</summary>
internal sealed class Screen : IDisposable
{
    // Another screen, no cursor, long lines cut at the edge; and back.
    private const string Enter = "\e[?1049h\e[?25l\e[?7l", Leave = "\e[?7h\e[?25h\e[?1049l";
    private const string Top = "\e[H", LineEnd = "\e[0m\e[K\r\n", Rest = "\e[0m\e[J";

    private readonly Stream _output;
    private readonly bool _isColored;
    private int _isOver;

    /// <summary>Takes the terminal.</summary>
    /// <param name="output">The terminal.</param>
    /// <param name="isColored">Whether colours are wanted.</param>
    public Screen(Stream output, bool isColored)
    {
        (_output, _isColored) = (output, isColored);
        // Who is ended at once, or breaks, leaves the terminal in order too.
        AppDomain.CurrentDomain.ProcessExit += End;
        Write(Enter);
    }

    /// <summary>Draws.</summary>
    /// <param name="lines">The lines from the top; those for which there is no room are left out.</param>
    /// <param name="last">What stands below them.</param>
    /// <param name="width">Letters of a line.</param>
    /// <param name="height">Lines.</param>
    public void Draw(IEnumerable<TopLine> lines, string last, int width, int height)
    {
        StringBuilder frame = new(Top);
        foreach (TopLine line in lines.Take(Math.Max(1, height - 1)))
        {
            frame.Append(ColorOf(line.Style)).Append(Fit(line.Text, width)).Append(LineEnd);
        }
        frame.Append(Fit(last, width)).Append(Rest);
        Write(frame.ToString());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= End;
        End(null, EventArgs.Empty);
    }

    // What somebody else said may hold what a terminal obeys.
    private static string Fit(string text, int width)
    {
        string plain = Table.Plain(text);
        return plain.Length <= width ? plain : plain[..Math.Max(0, width)];
    }

    private string ColorOf(TopStyle style) => !_isColored ? "" : style switch
    {
        TopStyle.Head => "\e[1m",
        TopStyle.Bad => "\e[31m",
        TopStyle.Doubtful => "\e[33m",
        _ => "",
    };

    private void End(object? sender, EventArgs arguments)
    {
        if (Interlocked.Exchange(ref _isOver, 1) == 0) Write(Leave);
    }

    private void Write(string text)
    {
        try
        {
            _output.Write(Encoding.UTF8.GetBytes(text));
            _output.Flush();
        }
        catch (IOException)
        {
            // The terminal is gone; whoever reads keys from it notices.
        }
    }
}
