using System.Text;
using System.Text.Json;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Index.Events;
using MicroCdn.Network;

namespace MicroCdn.Gateway.Api;

/// <summary>What happens, told to one who listens (server-sent events, WHATWG HTML section 9.2): each event once, and
/// the figures of now whenever there are new ones.</summary>
/// <remarks>It keeps the number of the last event that it told, and nothing else: a client that does not read makes it
/// wait, and finds a gap when it reads again.</remarks>
internal sealed class EventStream(EventStreams streams, EventLog log, long after, Func<bool> mayListen)
    : ILineSource, IDisposable
{
    private static readonly byte[] Beginning = "retry: 1000\n\n"u8.ToArray();
    private static readonly byte[] Gap = "event: gap\ndata: {}\n\n"u8.ToArray();

    private Answer? _answer;
    private ReadOnlyMemory<byte> _rest = Beginning;
    private long _after = after;
    private long _told = streams.Now.Number;
    private int _asleep;
    private bool _isOver;

    /// <inheritdoc/>
    public bool Write(Answer answer)
    {
        if (_isOver) return false;
        // Said before looking: what comes in between then wakes us.
        _answer = answer;
        Interlocked.Exchange(ref _asleep, 1);
        int room = Answer.PieceBytes;
        while (room > 0 && (!_rest.IsEmpty || TryTakeNext()))
        {
            ReadOnlyMemory<byte> piece = _rest[..Math.Min(room, _rest.Length)];
            answer.Write(piece.Span);
            _rest = _rest[piece.Length..];
            room -= piece.Length;
        }
        if (room < Answer.PieceBytes) Interlocked.Exchange(ref _asleep, 0);
        return true;
    }

    /// <summary>There is something new; from any thread.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _asleep, 0) == 1) _answer!.Wake();
    }

    /// <summary>Ends it when who listens may not any more.</summary>
    public void LookWhetherAllowed()
    {
        if (mayListen()) return;
        Volatile.Write(ref _isOver, true);
        Wake();
    }

    /// <inheritdoc/>
    public void Dispose() => streams.Close(this);

    // Events come before figures: a page that hears of a change may ask for more at once.
    private bool TryTakeNext()
    {
        IReadOnlyList<FleetEvent> next = log.Since(_after, 1, out bool hasGap);
        if (hasGap)
        {
            _after = next.Count > 0 ? next[0].Id - 1 : 0;
            _rest = Gap;
            return true;
        }
        if (next.Count > 0)
        {
            _after = next[0].Id;
            _rest = streams.FrameOf(next[0]);
            return true;
        }
        (long number, byte[] now) = streams.Now;
        if (number == _told) return false;
        _told = number;
        _rest = now;
        return true;
    }

    /// <summary>A message of such a stream.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="id">Its number; 0 for none.</param>
    /// <param name="json">What it says, in one line.</param>
    public static byte[] FrameOf(string kind, long id, byte[] json)
    {
        string number = id > 0 ? $"id: {id}\n" : "";
        return [.. Encoding.ASCII.GetBytes($"event: {kind}\n{number}data: "), .. json, .. "\n\n"u8];
    }
}

/// <summary>Events as the API shows them.</summary>
internal static class EventWords
{
    /// <summary>The words of kinds.</summary>
    public static readonly string[] Kinds = [.. Enum.GetNames<EventKind>().Select(name => name.ToLowerInvariant())];

    /// <summary>The words of severities.</summary>
    public static readonly string[] Severities =
        [.. Enum.GetNames<Severity>().Select(name => name.ToLowerInvariant())];

    /// <summary>The same as JSON.</summary>
    public static byte[] JsonOf(FleetEvent one) =>
        JsonSerializer.SerializeToUtf8Bytes(ViewOf(one), ApiJson.Default.EventView);

    /// <summary>An event as the API shows it.</summary>
    public static EventView ViewOf(FleetEvent one) => new(one.Id, one.Time, Kinds[(int)one.Kind],
        Severities[(int)one.Severity], one.Subject, one.Text);
}
