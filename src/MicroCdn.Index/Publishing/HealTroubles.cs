namespace MicroCdn.Index.Publishing;

/// <summary>What failed a moment ago, and is not tried again at once: files by their row, and servers.</summary>
/// <remarks>One caller at a time. Rows are those of one table of names: with another one it begins anew.</remarks>
internal sealed class HealTroubles(TimeProvider time)
{
    /// <summary>Most files that are remembered; one that is not is tried again at the next look.</summary>
    public const int Most = 100_000;

    /// <summary>How long the first pause is; each further one is twice as long.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(2);

    /// <summary>How long a pause is at most.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    // A server that could not take a file twice is passed over, and tried again when nobody could.
    private const int TriesAtOne = 2;
    private const int TriesInAll = 8;

    private readonly Dictionary<int, Trouble> _rows = [];
    private readonly Dictionary<int, Trouble> _servers = [];

    /// <summary>When the pause of a file is over; null when it may be tried.</summary>
    public long? PauseOf(int row) => _rows.Count > 0 && _rows.TryGetValue(row, out Trouble? trouble)
        && trouble.Until > time.GetTimestamp() ? trouble.Until : null;

    /// <summary>How often in a row a file failed.</summary>
    public int TriesOf(int row) => _rows.Count > 0 && _rows.TryGetValue(row, out Trouble? trouble) ? trouble.Tries : 0;

    /// <summary>The servers that are passed over for a file; null for none.</summary>
    public IReadOnlySet<int>? AvoidedFor(int row) =>
        _rows.Count > 0 && _rows.TryGetValue(row, out Trouble? trouble) && trouble.Avoided.Count > 0
            ? trouble.Avoided : null;

    /// <summary>True for a server that gets no new copies now.</summary>
    public bool IsPaused(int server) =>
        _servers.TryGetValue(server, out Trouble? trouble) && trouble.Until > time.GetTimestamp();

    /// <summary>A file failed.</summary>
    /// <param name="row">The file.</param>
    /// <param name="server">The server that could not take it; -1 where it is nobody's fault.</param>
    public void Failed(int row, int server)
    {
        if (!_rows.TryGetValue(row, out Trouble? trouble))
        {
            if (_rows.Count >= Most) return;
            _rows.Add(row, trouble = new Trouble());
        }
        Pause(trouble);
        if (server < 0) return;
        int tries = trouble.At[server] = trouble.At.GetValueOrDefault(server) + 1;
        if (tries >= TriesAtOne) trouble.Avoided.Add(server);
        if (trouble.Tries % TriesInAll > 0) return;
        trouble.Avoided.Clear();
        trouble.At.Clear();
    }

    /// <summary>A server can take nothing, whatever it is.</summary>
    public void Failed(int server)
    {
        if (!_servers.TryGetValue(server, out Trouble? trouble)) _servers.Add(server, trouble = new Trouble());
        Pause(trouble);
    }

    /// <summary>A file was taken by a server.</summary>
    public void Done(int row, int server)
    {
        _rows.Remove(row);
        _servers.Remove(server);
    }

    /// <summary>Rows mean other files from now on.</summary>
    public void ClearRows() => _rows.Clear();

    // Several that were under way when the first failed are one failure.
    private void Pause(Trouble trouble)
    {
        long now = time.GetTimestamp();
        if (trouble.Until > now) return;
        double factor = Math.Pow(2, Math.Min(trouble.Tries++, 10));
        TimeSpan pause = FirstPause * factor < LongestPause ? FirstPause * factor : LongestPause;
        trouble.Until = now + (long)(pause.TotalSeconds * time.TimestampFrequency);
    }

    private sealed class Trouble
    {
        public int Tries { get; set; }

        public long Until { get; set; }

        public Dictionary<int, int> At { get; } = [];

        public HashSet<int> Avoided { get; } = [];
    }
}
