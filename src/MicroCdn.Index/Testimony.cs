using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>What a monitor of version 2 tells on its connection: who it is, each change, whether it doubts itself, and
/// now and then all that it knows.</summary>
internal sealed class Testimony(Fleet fleet, IPeer peer)
{
    private Juror? _juror;
    private List<DigestRow>? _digest;
    private long? _upTo;

    /// <summary>True for a verb that only monitors of version 2 use.</summary>
    public static bool Knows(ReadOnlySpan<byte> verb) => verb.SequenceEqual("MONITOR"u8)
        || verb.SequenceEqual("SERVER_SUSPECT"u8) || verb.SequenceEqual("SERVER_UP"u8)
        || verb.SequenceEqual("DOUBT"u8) || verb.SequenceEqual("STATES"u8) || verb.SequenceEqual("STATE"u8)
        || verb.SequenceEqual("END_STATES"u8);

    /// <summary>Handles one line; a refused STATE is not answered, since it belongs to a list that has its answer at
    /// the end.</summary>
    public WireError? Handle(ReadOnlySpan<byte> verb, Words words, Answer answer, out bool isSilent)
    {
        isSilent = verb.SequenceEqual("STATE"u8);
        if (verb.SequenceEqual("MONITOR"u8)) return HandleMonitor(words, answer);
        if (_juror is not { } juror || !juror.IsHere) return WireErrors.NotRegistered;
        if (isSilent) return HandleState(words);
        if (verb.SequenceEqual("STATES"u8)) return HandleStates(words);
        if (verb.SequenceEqual("END_STATES"u8)) return HandleEndStates(juror, words, answer);
        return verb.SequenceEqual("DOUBT"u8) ? HandleDoubt(juror, words, answer)
            : HandleChange(juror, verb, words, answer);
    }

    /// <summary>The connection ended: this monitor is not heard any more.</summary>
    public void End()
    {
        if (_juror is not null) fleet.Lose(_juror);
    }

    private WireError? HandleMonitor(Words words, Answer answer)
    {
        if (!OneId.TryParse(words, out ServerId id)) return WireErrors.Malformed;
        Juror juror = new(id.Value) { Address = WireAddress.Plain(peer.Remote) };
        if (_juror is not null) fleet.Lose(_juror);
        if (!fleet.Seat(juror)) return WireErrors.LimitReached;
        (_juror, _digest) = (juror, null);
        answer.Write("OK MONITOR\n"u8);
        return null;
    }

    private WireError? HandleChange(Juror juror, ReadOnlySpan<byte> verb, Words words, Answer answer)
    {
        if (!StateChange.TryParse(verb, words, out StateChange message)) return WireErrors.Malformed;
        ServerId.TryCreate(message.Id, out ServerId id);
        fleet.Hear(juror, id,
            new Statement(message.State, message.Incarnation, message.Event, IsSpared: message.IsSpared,
                Why: TextOf(message.Why)));
        answer.Write(StateChange.AnswerTo(message.State));
        return null;
    }

    private WireError? HandleDoubt(Juror juror, Words words, Answer answer)
    {
        if (!Doubt.TryParse(words, out bool doubts)) return WireErrors.Malformed;
        fleet.Doubt(juror, doubts);
        answer.Write("OK DOUBT\n"u8);
        return null;
    }

    private WireError? HandleStates(Words words)
    {
        _upTo = null;
        while (words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (!key.SequenceEqual("ev"u8)) continue;
            if (!Words.IsNumber(value, out long upTo)) return WireErrors.Malformed;
            _upTo = upTo;
        }
        if (!words.AtEnd) return WireErrors.Malformed;
        _digest = [];
        return null;
    }

    private WireError? HandleState(Words words)
    {
        if (_digest is null) return WireErrors.NotRegistered;
        if (!StateRow.TryParse(words, out StateRow row)) return WireErrors.Malformed;
        if (_digest.Count >= Limits.Servers) return WireErrors.LimitReached;
        ServerId.TryCreate(row.Id, out ServerId id);
        _digest.Add(new DigestRow(id,
            new Statement(row.State, row.Incarnation, row.Event, IsSpared: row.IsSpared, Why: TextOf(row.Why)),
            row.Heard));
        return null;
    }

    // It is read in logs and on terminals.
    private static string TextOf(ReadOnlySpan<byte> why) =>
        string.Concat(PercentText.TextOf(why).Select(letter => char.IsControl(letter) ? '?' : letter));

    private WireError? HandleEndStates(Juror juror, Words words, Answer answer)
    {
        if (!words.OnlyUnknownPairs()) return WireErrors.Malformed;
        if (_digest is not { } digest) return WireErrors.NotRegistered;
        _digest = null;
        fleet.Hear(juror, digest, _upTo);
        answer.Write("OK STATES\n"u8);
        return null;
    }
}
