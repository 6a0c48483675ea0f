using System.Net;
using System.Text;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Network;

/// <summary>Counts refused input and logs at most one line a second of it: an attacker must not fill the
/// disk.</summary>
public sealed partial class Complaints(ILogger logger, TimeProvider time)
{
    private const int ShownBytes = 80;
    private readonly Lock _lock = new();
    private long _lastAt = time.GetTimestamp() - (2 * time.TimestampFrequency);
    private long _unsaid;
    private long _total;

    /// <summary>How many times something was refused.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <summary>Notes that a peer's line was refused.</summary>
    public void Add(IPeer peer, WireError error, ReadOnlySpan<byte> line)
    {
        if (MaySay(out long more)) LogRefused(peer.Remote, error.Word, error.Meaning, Show(line), More(more));
    }

    /// <summary>Notes a refusal that is not a peer's line, such as a dropped datagram.</summary>
    public void Add(string what)
    {
        if (MaySay(out long more)) LogOther(what, More(more));
    }

    /// <summary>Counts without ever logging, for what may come a hundred thousand times a second.</summary>
    public void Count() => Interlocked.Increment(ref _total);

    private bool MaySay(out long more)
    {
        Interlocked.Increment(ref _total);
        lock (_lock)
        {
            long now = time.GetTimestamp();
            bool say = time.GetElapsedTime(_lastAt, now) >= TimeSpan.FromSeconds(1);
            more = say ? _unsaid : 0;
            if (say) (_lastAt, _unsaid) = (now, 0);
            else _unsaid++;
            return say;
        }
    }

    private static string More(long more) => more == 0 ? "" : $" (and {more} more since the last such line)";

    // Only what is visible in ASCII, so that no terminal obeys a stranger.
    private static string Show(ReadOnlySpan<byte> line)
    {
        StringBuilder shown = new();
        foreach (byte value in line[..Math.Min(line.Length, ShownBytes)])
        {
            shown.Append(value is >= 0x20 and < 0x7F ? (char)value : '?');
        }
        if (line.Length > ShownBytes) shown.Append("...");
        return shown.ToString();
    }

    [LoggerMessage(1001, LogLevel.Warning, "refused {Peer}: {Error}: {Meaning} Line: '{Line}'{More}")]
    private partial void LogRefused(IPAddress peer, string error, string meaning, string line, string more);

    [LoggerMessage(1002, LogLevel.Warning, "{What}{More}")]
    private partial void LogOther(string what, string more);
}
