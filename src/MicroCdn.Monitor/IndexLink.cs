using System.Buffers;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Monitor;

/// <summary>The standing connection to one index of version 2: each change at once, everything every
/// second.</summary>
/// <remarks>
/// Answers come in the order of the lines, so a queue of what was said tells what each one answers. A change without an
/// answer is said again after 200 ms, then after a growing, jittered time; a later change of the same server takes its
/// place. What was lost all the same is in the next digest.
/// </remarks>
internal sealed class IndexLink(
    LineConnection connection, string monitorId, Watch watch, TimeProvider time, Signal signal)
{
    // As fine as the age of a heartbeat can be shown. Of a large fleet it is a lot of text.
    private static readonly TimeSpan DigestInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LargeDigestInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);
    // Nothing answered for so long: the index is not there any more, whatever the connection says.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private const int MostUnanswered = 4 * Limits.Servers;
    private const int LargeFleet = 1000;
    private static readonly TimeSpan Bunch = TimeSpan.FromMilliseconds(20);
    // One send holds so much at most, whatever the number of servers.
    private const int PieceBytes = 64 * 1024;

    private readonly Lock _lock = new();
    private readonly Queue<Said> _said = new();
    private readonly Dictionary<ServerId, Telling> _telling = [];
    private readonly Random _chance = new(monitorId.Length);
    private long _answeredAt = time.GetTimestamp();
    private long _digestAt;
    private bool _doubts;

    private enum SaidKind
    {
        Monitor,
        Event,
        Digest,
        Doubt,
    }

    /// <summary>True when the index speaks version 2 but knows no monitors that do.</summary>
    public bool IsTooOld { get; private set; }

    /// <summary>Tells until the connection ends or cancelled; returns why it ended.</summary>
    /// <param name="expects">True to ask first which servers the index knows.</param>
    /// <param name="known">Called when the index took us for a monitor.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<string> RunAsync(bool expects, Action<int> known, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            ArrayBufferWriter<byte> hello = new();
            hello.WriteMonitor(monitorId);
            await connection.SendAsync(hello.WrittenMemory, cancellationToken).ConfigureAwait(false);
            if (await FirstAnswerAsync(cancellationToken).ConfigureAwait(false) is { } refusal) return refusal;
            known(expects ? await ExpectAsync(cancellationToken).ConfigureAwait(false) : 0);
            _answeredAt = _digestAt = time.GetTimestamp();
            Task reading = ReadAsync(stop.Token), writing = WriteAsync(stop.Token);
            Task first = await Task.WhenAny(reading, writing).ConfigureAwait(false);
            await stop.CancelAsync().ConfigureAwait(false);
            await first.ConfigureAwait(false);
            return "it closed the connection";
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return exception.Message;
        }
    }

    private async Task<string?> FirstAnswerAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(Limits.GreetingTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            ReadOnlyMemory<byte>? answer = await connection.ReadLineAsync(either.Token).ConfigureAwait(false);
            if (answer is { } line && line.Span.SequenceEqual("OK MONITOR"u8)) return null;
            IsTooOld = answer is { } error && error.Span.SequenceEqual(WireErrors.UnknownCommand.Line.Span[..^1]);
            return answer is { } other ? Encoding.UTF8.GetString(other.Span) : "it closed the connection";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "no answer to MONITOR";
        }
    }

    // Who died while this monitor was away would never be missed.
    private async Task<int> ExpectAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        List<ServerRow> rows = [];
        try
        {
            await connection.SendAsync("LIST_SERVERS\n"u8.ToArray(), either.Token).ConfigureAwait(false);
            while (await connection.ReadLineAsync(either.Token).ConfigureAwait(false) is { } line)
            {
                if (line.Span.SequenceEqual("END"u8)) return watch.Expect(rows);
                if (ServerRow.TryParse(line.Span, out ServerRow? row) && rows.Count < Limits.Servers) rows.Add(row!);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"no list of servers within {Patience.TotalSeconds} s");
        }
        throw new IOException("it closed the connection");
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        while (await connection.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (line.Span.SequenceEqual(WireErrors.NotRegistered.Line.Span[..^1]))
            {
                throw new IOException($"it hears {monitorId} on another connection: does another monitor go by it?");
            }
            if (line.Span.SequenceEqual(WireErrors.NotAuthenticated.Line.Span[..^1]))
            {
                throw new IOException("the key that this connection was proved by does not count there any more");
            }
            lock (_lock)
            {
                _answeredAt = time.GetTimestamp();
                if (!_said.TryDequeue(out Said said)) throw new InvalidDataException("an answer to nothing");
                // A refusal is an answer too: saying the same again would not help.
                if (said.Kind == SaidKind.Event && _telling.TryGetValue(said.Id, out Telling? telling)
                    && telling.Event <= said.Event) telling.IsAnswered = true;
                if (said.Kind != SaidKind.Digest) continue;
                foreach (Telling told in _telling.Values) told.IsAnswered |= told.Event <= said.Event;
            }
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> text = new(PieceBytes);
        while (true)
        {
            TimeSpan wait = Compose(text);
            for (int sent = 0; sent < text.WrittenCount; sent += PieceBytes)
            {
                int length = Math.Min(PieceBytes, text.WrittenCount - sent);
                await connection.SendAsync(text.WrittenMemory.Slice(sent, length), cancellationToken)
                    .ConfigureAwait(false);
            }
            text.ResetWrittenCount();
            // A large fleet on a bad line has news all the time; it is told in bunches.
            if (_telling.Count > LargeFleet) await Task.Delay(Bunch, time, cancellationToken).ConfigureAwait(false);
            await signal.WaitAsync(wait, cancellationToken).ConfigureAwait(false);
        }
    }

    // Writes what is due; returns how long nothing more will be.
    private TimeSpan Compose(ArrayBufferWriter<byte> text)
    {
        StateEvent[] rows;
        long last;
        bool doubts;
        lock (watch.Lock) (rows, last, doubts) = ([.. watch.Ledger.Rows], watch.Ledger.Last, watch.Ledger.Doubts);
        long now = time.GetTimestamp();
        Dictionary<ServerId, TimeSpan>? beats = now >= _digestAt ? watch.Beats() : null;
        lock (_lock)
        {
            if (_said.Count == 0) _answeredAt = now;
            if (_said.Count > MostUnanswered || time.GetElapsedTime(_answeredAt, now) > Patience)
            {
                throw new IOException($"no answer for {Patience.TotalSeconds} s");
            }
            if (_doubts != doubts || (beats is not null && doubts))
            {
                text.WriteDoubt(doubts);
                _said.Enqueue(new Said(SaidKind.Doubt, default, 0));
                _doubts = doubts;
            }
            TimeSpan wait = beats is not null ? WriteDigest(text, rows, beats, last, now)
                : time.GetElapsedTime(now, _digestAt);
            foreach (StateEvent row in rows)
            {
                TimeSpan due = WriteChange(text, row, now);
                if (due < wait) wait = due;
            }
            return wait;
        }
    }

    private TimeSpan WriteDigest(ArrayBufferWriter<byte> text, StateEvent[] rows,
        Dictionary<ServerId, TimeSpan> beats, long last, long now)
    {
        text.Write("STATES ev="u8);
        text.WriteNumber(last);
        text.Write("\n"u8);
        foreach (StateEvent row in rows)
        {
            text.WriteState(row, beats.TryGetValue(row.Id, out TimeSpan heard) ? heard : null);
            // It has been told with that, unless the answer stays away.
            if (Telling(row).Event != row.Event) Begin(row, now);
        }
        text.Write("END_STATES\n"u8);
        _said.Enqueue(new Said(SaidKind.Digest, default, last));
        TimeSpan interval = rows.Length > LargeFleet ? LargeDigestInterval : DigestInterval;
        _digestAt = now + (long)(interval.TotalSeconds * time.TimestampFrequency);
        return interval;
    }

    // How long until this row is to be said, again or at all.
    private TimeSpan WriteChange(ArrayBufferWriter<byte> text, in StateEvent row, long now)
    {
        Telling telling = Telling(row);
        bool isNew = telling.Event != row.Event;
        if (!isNew && telling.IsAnswered) return LargeDigestInterval;
        if (!isNew && now < telling.AgainAt) return time.GetElapsedTime(now, telling.AgainAt);
        text.WriteEvent(row);
        _said.Enqueue(new Said(SaidKind.Event, row.Id, row.Event));
        return isNew ? Begin(row, now) : Again(telling, now);
    }

    private Telling Telling(in StateEvent row)
    {
        if (!_telling.TryGetValue(row.Id, out Telling? telling)) _telling[row.Id] = telling = new Telling();
        return telling;
    }

    private TimeSpan Begin(in StateEvent row, long now)
    {
        Telling telling = Telling(row);
        (telling.Event, telling.IsAnswered, telling.Pause) = (row.Event, false, FirstPause);
        return Again(telling, now);
    }

    // A pause between 200 ms and three times the last one, at most 2 s: no two monitors keep step.
    private TimeSpan Again(Telling telling, long now)
    {
        TimeSpan pause = telling.Pause;
        telling.AgainAt = now + (long)(pause.TotalSeconds * time.TimestampFrequency);
        TimeSpan next = FirstPause + (((telling.Pause * 3) - FirstPause) * _chance.NextDouble());
        telling.Pause = next < LongestPause ? next : LongestPause;
        return pause;
    }

    private readonly record struct Said(SaidKind Kind, ServerId Id, long Event);
}

/// <summary>How far the telling of one server's state is.</summary>
internal sealed class Telling
{
    public long Event { get; set; } = -1;

    public bool IsAnswered { get; set; }

    public TimeSpan Pause { get; set; }

    public long AgainAt { get; set; }
}
