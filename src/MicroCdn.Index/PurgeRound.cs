using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>One purge on its way: which servers have applied it, and which are waited for.</summary>
internal sealed class PurgeRound(LongAnswer receipts, long began)
{
    private readonly List<Follower> _pending = [];

    public LongAnswer Receipts => receipts;

    /// <summary>The purge's number; 0 while it is not written down.</summary>
    public long Number { get; private set; }

    /// <summary>The purge is written down; these are to apply it.</summary>
    public void Begin(long number, IEnumerable<Follower> followers)
    {
        Number = number;
        _pending.AddRange(followers);
        receipts.Say(Encoding.UTF8.GetBytes($"PURGED {number}\n"));
    }

    /// <summary>Says who has applied it meanwhile; true when nobody is waited for any more.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="isServing">Says whether one that did not apply it may serve clients.</param>
    /// <param name="times">Where it is counted how long each took.</param>
    public bool Settle(TimeProvider time, Func<Follower, bool> isServing, Durations times)
    {
        TimeSpan passed = time.GetElapsedTime(began);
        _pending.RemoveAll(follower =>
        {
            if (follower.Applied < Number) return false;
            times.Add(passed);
            receipts.Say(Encoding.UTF8.GetBytes($"RECEIPT {follower.Id} {(long)passed.TotalMilliseconds}\n"));
            return true;
        });
        // Whoever is away for longer will not come in this moment.
        bool isAwaited = passed < PurgeDesk.Patience && _pending.Exists(follower => follower.Visit is not null
            || time.GetElapsedTime(follower.LostAt) < PurgeDesk.Patience);
        if (isAwaited) return false;
        foreach (Follower follower in _pending)
        {
            receipts.Say(Encoding.UTF8.GetBytes($"{(isServing(follower) ? "LATE" : "AWAY")} {follower.Id}\n"));
        }
        receipts.Say("END\n"u8);
        receipts.End();
        return true;
    }
}

/// <summary>The answer to PURGES, a piece at a time.</summary>
internal sealed class PurgesLines(PurgesLine[] lines) : ILineSource
{
    private int _next;

    public bool Write(Answer answer)
    {
        int before = answer.UnsentBytes;
        while (_next < lines.Length && answer.UnsentBytes - before <= Answer.PieceBytes - Limits.LineBytes)
        {
            lines[_next++].Write(answer);
        }
        return _next < lines.Length;
    }
}
