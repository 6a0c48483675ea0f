using MicroCdn.Index.Events;

namespace MicroCdn.Gateway.Api;

/// <summary>Everybody who listens to what happens.</summary>
/// <param name="log">What happened.</param>
/// <param name="measure">Makes the figures of now, as JSON; once for all who listen.</param>
/// <param name="time">The clock.</param>
internal sealed class EventStreams(EventLog log, Func<byte[]> measure, TimeProvider time)
{
    /// <summary>The most streams at once: each holds a connection, and next to nothing else.</summary>
    public const int Most = 1_000;

    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly HashSet<EventStream> _streams = [];
    private Message _now = new(0, []), _change = new(0, []);

    /// <summary>The figures of now as a message, and its number; 0 until there are any.</summary>
    public (long Number, byte[] Frame) Now => Volatile.Read(ref _now) is var now ? (now.Number, now.Frame) : default;

    /// <summary>An event as a message: nearly all who listen want the same one, and it is made once.</summary>
    public byte[] FrameOf(FleetEvent one)
    {
        Message change = Volatile.Read(ref _change);
        if (change.Number == one.Id) return change.Frame;
        change = new Message(one.Id, EventStream.FrameOf("change", one.Id, EventWords.JsonOf(one)));
        Volatile.Write(ref _change, change);
        return change.Frame;
    }

    /// <summary>Somebody listens; null when too many do.</summary>
    /// <param name="after">The last event that they know.</param>
    /// <param name="mayListen">Whether they still may.</param>
    public EventStream? Open(long after, Func<bool> mayListen)
    {
        EventStream stream = new(this, log, after, mayListen);
        lock (_lock)
        {
            if (_streams.Count >= Most) return null;
            _streams.Add(stream);
        }
        return stream;
    }

    /// <summary>Somebody listens no more.</summary>
    public void Close(EventStream stream)
    {
        lock (_lock) _streams.Remove(stream);
    }

    /// <summary>Tells the figures once a second, and each event when it comes, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        log.Added += Wake;
        try
        {
            while (true)
            {
                await Task.Delay(Pace, time, cancellationToken).ConfigureAwait(false);
                EventStream[] streams = All();
                if (streams.Length == 0) continue;
                Volatile.Write(ref _now, new Message(_now.Number + 1,
                    EventStream.FrameOf("now", 0, measure())));
                foreach (EventStream stream in streams)
                {
                    stream.LookWhetherAllowed();
                    stream.Wake();
                }
            }
        }
        finally
        {
            log.Added -= Wake;
        }
    }

    private void Wake()
    {
        foreach (EventStream stream in All()) stream.Wake();
    }

    private EventStream[] All()
    {
        lock (_lock) return [.. _streams];
    }

    private sealed record Message(long Number, byte[] Frame);
}
