using System.Runtime.InteropServices;
using System.Text;

namespace MicroCdn.Top;

/// <summary>A whole terminal that is drawn anew whenever something changed, and is as before when it is left.</summary>
internal sealed class Screen : IDisposable
{
    /// <summary>Shows the cursor.</summary>
    public const string ShowCursor = "\e[?25h";

    // Another screen, no cursor, long lines cut at the edge; and back. The last two are for the keys, which the runtime
    // has sent otherwise once it reads any, and leaves so.
    private const string Enter = "\e[?1049h\e[?25l\e[?7l", Leave = $"\e[?7h{ShowCursor}\e[?1049l\e[?1l\e>";
    private const string Top = "\e[H", Plain = "\e[0m", LineEnd = "\e[K\r\n", Rest = "\e[J";

    /// <summary>What may end a process at once, with no other word of ours.</summary>
    public static readonly PosixSignal[] Ends =
        [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];

    private static readonly TimeSpan ShortWait = TimeSpan.FromMilliseconds(100);

    private readonly Lock _turn = new();
    private readonly Stream _output;
    private readonly bool _isColored;
    private readonly PosixSignalRegistration[] _signals;
    private bool _isOver;

    /// <summary>Takes the terminal.</summary>
    /// <param name="output">The terminal.</param>
    /// <param name="isColored">Whether colours are wanted.</param>
    public Screen(Stream output, bool isColored)
    {
        (_output, _isColored) = (output, isColored);
        Write(Enter);
        // Whether they end the process is not said here.
        _signals = [.. Ends.Select(signal => PosixSignalRegistration.Create(signal, _ => End()))];
    }

    /// <summary>Whether the terminal was closed: nobody looks any more.</summary>
    public bool IsGone { get; private set; }

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
            string color = ColorOf(line.Style);
            frame.Append(color).Append(Fit(line.Text, width)).Append(color.Length > 0 ? Plain : "").Append(LineEnd);
        }
        frame.Append(Fit(last, width)).Append(Rest);
        Write(frame.ToString());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals) signal.Dispose();
        End();
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

    // Nothing is drawn on a terminal that was given back. One that takes nothing now (Ctrl-S) holds nobody up.
    private void End()
    {
        if (!_turn.TryEnter(ShortWait)) return;
        try
        {
            if (!_isOver) Write(Leave);
            _isOver = true;
        }
        finally
        {
            _turn.Exit();
        }
    }

    private void Write(string text)
    {
        lock (_turn)
        {
            if (_isOver) return;
            try
            {
                _output.Write(Encoding.UTF8.GetBytes(text));
                _output.Flush();
            }
            catch (IOException)
            {
                _isOver = IsGone = true;
            }
        }
    }
}
