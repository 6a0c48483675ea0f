using System.Buffers;
using System.Text;

namespace MicroCdn.Protocol;

// What an index hears of the health of content servers: from monitors on a connection of version 2, from clients by
// REPORT, from a content server itself by DRAIN. Like all messages these are views on their line; the verb has already
// been taken by the caller, and unknown key=value words are ignored.

/// <summary><c>SERVER_DOWN</c>, <c>SERVER_SUSPECT</c> and <c>SERVER_UP</c> with <c>inc</c> and <c>ev</c>: a monitor's
/// word on one server.</summary>
public readonly ref struct StateChange
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>When, in seconds since 1970; printed, never compared: two hosts' clocks differ.</summary>
    public long UnixSeconds { get; private init; }

    /// <summary>What the monitor believes of it now.</summary>
    public ServerState State { get; private init; }

    /// <summary>The server's incarnation, 0 when the monitor knows none: a server of version 1.</summary>
    public long Incarnation { get; private init; }

    /// <summary>The number of this event at its monitor, 1 or more; it only grows.</summary>
    public long Event { get; private init; }

    /// <summary>A suspect that answered nothing for its whole time, and that only the limit of removals
    /// spares.</summary>
    public bool IsSpared { get; private init; }

    /// <summary>Why, in words, percent-encoded; empty when it did not say.</summary>
    public ReadOnlySpan<byte> Why { get; private init; }

    /// <summary>Reads a message; false for any other verb and for a malformed one.</summary>
    public static bool TryParse(ReadOnlySpan<byte> verb, Words words, out StateChange message)
    {
        message = default;
        bool up = verb.SequenceEqual("SERVER_UP"u8), down = verb.SequenceEqual("SERVER_DOWN"u8);
        if (!up && !down && !verb.SequenceEqual("SERVER_SUSPECT"u8)) return false;
        ServerState state = up ? ServerState.Alive : down ? ServerState.Dead : ServerState.Suspect;
        bool valid = words.Next(out var id) & words.NextNumber(out long seconds) && ServerId.IsValid(id);
        long incarnation = -1, number = -1, spared = 0;
        ReadOnlySpan<byte> why = default;
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("inc"u8)) valid = Words.IsNumber(value, out incarnation);
            else if (key.SequenceEqual("ev"u8)) valid = Words.IsNumber(value, out number) && number > 0;
            else if (key.SequenceEqual("spared"u8)) valid = Words.IsNumber(value, out spared) && spared <= 1;
            else if (key.SequenceEqual("why"u8)) valid = (why = value).Length <= 3 * StateEvent.WhyBytes;
            else if (up && key.SequenceEqual("state"u8))
            {
                valid = ServerStates.TryParse(value, out state)
                    && state is ServerState.Alive or ServerState.Returning or ServerState.Draining;
            }
        }
        message = new StateChange
        {
            Id = id, UnixSeconds = seconds, State = state, Incarnation = incarnation, Event = number,
            IsSpared = spared > 0, Why = why,
        };
        return valid && words.AtEnd && incarnation >= 0 && number > 0;
    }

    /// <summary>The answer to a message of this state.</summary>
    public static ReadOnlySpan<byte> AnswerTo(ServerState state) => state switch
    {
        ServerState.Dead => "OK SERVER_MARKED_DEAD\n"u8,
        ServerState.Suspect => "OK SERVER_MARKED_SUSPECT\n"u8,
        _ => "OK SERVER_MARKED_UP\n"u8,
    };
}

/// <summary><c>STATE id state inc=N ev=N</c>: one row of all that a monitor knows.</summary>
public readonly ref struct StateRow
{
    /// <summary>Most milliseconds that a heartbeat is told to be old: 34 years.</summary>
    public const long LongestHeard = 1L << 40;

    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>What the monitor believes of it.</summary>
    public ServerState State { get; private init; }

    /// <summary>The server's incarnation, 0 when the monitor knows none.</summary>
    public long Incarnation { get; private init; }

    /// <summary>The number of the event that made it so, 0 when there was none.</summary>
    public long Event { get; private init; }

    /// <summary>As in <see cref="StateChange"/>.</summary>
    public bool IsSpared { get; private init; }

    /// <summary>As in <see cref="StateChange"/>.</summary>
    public ReadOnlySpan<byte> Why { get; private init; }

    /// <summary>How long ago the monitor heard its last heartbeat; null when it did not say.</summary>
    public TimeSpan? Heard { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out StateRow message)
    {
        ServerState state = default;
        bool valid = words.Next(out var id) & words.Next(out var word) && ServerId.IsValid(id)
            && ServerStates.TryParse(word, out state);
        long incarnation = -1, number = -1, spared = 0, heard = -1;
        ReadOnlySpan<byte> why = default;
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("inc"u8)) valid = Words.IsNumber(value, out incarnation);
            else if (key.SequenceEqual("ev"u8)) valid = Words.IsNumber(value, out number);
            else if (key.SequenceEqual("spared"u8)) valid = Words.IsNumber(value, out spared) && spared <= 1;
            else if (key.SequenceEqual("why"u8)) valid = (why = value).Length <= 3 * StateEvent.WhyBytes;
            else if (key.SequenceEqual("heard"u8)) valid = Words.IsNumber(value, out heard) && heard <= LongestHeard;
        }
        message = new StateRow
        {
            Id = id, State = state, Incarnation = incarnation, Event = number, IsSpared = spared > 0, Why = why,
            Heard = heard >= 0 ? TimeSpan.FromMilliseconds(heard) : null,
        };
        return valid && words.AtEnd && incarnation >= 0 && number >= 0;
    }
}

/// <summary><c>MONITOR monitor_id</c>, <c>DRAIN server_id</c>, <c>RESUME server_id</c>: a verb and whom it is
/// about.</summary>
public static class OneId
{
    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out ServerId id)
    {
        id = default;
        return words.Next(out var word) && words.OnlyUnknownPairs() && ServerId.TryCreate(word, out id);
    }
}

/// <summary><c>DOUBT on</c> or <c>DOUBT off</c>: whether a monitor doubts itself.</summary>
public static class Doubt
{
    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out bool doubts)
    {
        bool valid = words.Next(out var word) && words.OnlyUnknownPairs();
        doubts = word.SequenceEqual("on"u8);
        return valid && (doubts || word.SequenceEqual("off"u8));
    }
}

/// <summary>What went wrong with a server for a client.</summary>
public enum Trouble
{
    /// <summary>It could not be reached.</summary>
    Connect,

    /// <summary>It stopped sending.</summary>
    Stall,

    /// <summary>It does not have the file.</summary>
    Missing,

    /// <summary>Its bytes did not match.</summary>
    Wrong,
}

/// <summary><c>REPORT name server_id reason</c>: a client tells of a server that failed it.</summary>
public readonly ref struct TroubleReport
{
    /// <summary>The name as it travels, still encoded.</summary>
    public ReadOnlySpan<byte> Name { get; private init; }

    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>What went wrong.</summary>
    public Trouble Reason { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out TroubleReport message)
    {
        bool valid = words.Next(out var name) & words.Next(out var id) & words.Next(out var reason)
            && words.OnlyUnknownPairs() && ServerId.IsValid(id);
        valid &= TryReason(reason, out Trouble trouble);
        message = new TroubleReport { Name = name, Id = id, Reason = trouble };
        return valid;
    }

    /// <summary>The whole line.</summary>
    public static byte[] Write(FileName name, ServerId id, Trouble reason)
    {
        ArrayBufferWriter<byte> line = new();
        line.Write("REPORT "u8);
        PercentText.Encode(Encoding.UTF8.GetBytes(name.Value), line);
        line.WriteText($" {id} {Text(reason)}\n");
        return line.WrittenSpan.ToArray();
    }

    /// <summary>The reason as a word.</summary>
    public static string Text(Trouble reason) => reason switch
    {
        Trouble.Connect => "connect",
        Trouble.Stall => "stall",
        Trouble.Missing => "missing",
        _ => "wrong",
    };

    /// <summary>Reads a reason; false when it is none.</summary>
    public static bool TryReason(ReadOnlySpan<byte> word, out Trouble reason)
    {
        reason = word switch
        {
            _ when word.SequenceEqual("connect"u8) => Trouble.Connect,
            _ when word.SequenceEqual("stall"u8) => Trouble.Stall,
            _ when word.SequenceEqual("missing"u8) => Trouble.Missing,
            _ => Trouble.Wrong,
        };
        return reason != Trouble.Wrong || word.SequenceEqual("wrong"u8);
    }
}
