using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace MicroCdn.Protocol;

/// <summary>The lines and datagrams by which a monitor of version 2 asks and tells.</summary>
public static class DetectionWriter
{
    /// <summary><c>PING server_id nonce=HEX16 [seq=N]</c>, a datagram without a line end.</summary>
    /// <param name="output">Where it is written.</param>
    /// <param name="id">Who is asked.</param>
    /// <param name="nonce">What the answer has to repeat.</param>
    /// <param name="sequence">Its number, for one that will be sealed.</param>
    public static void WritePing(this IBufferWriter<byte> output, ServerId id, ulong nonce, long? sequence = null)
    {
        output.Write("PING "u8);
        output.WriteText(id.Value);
        output.Write(" nonce="u8);
        Nonces.Write(output, nonce);
        if (sequence is not { } number) return;
        output.Write(" seq="u8);
        output.WriteNumber(number);
    }

    /// <summary><c>MONITOR monitor_id</c>: a monitor says who it is, by itself or since an index asked.</summary>
    public static void WriteMonitor(this IBufferWriter<byte> output, string monitorId)
    {
        output.Write("MONITOR "u8);
        output.WriteText(monitorId);
        output.Write("\n"u8);
    }

    /// <summary>The event that says a state: SERVER_DOWN, SERVER_SUSPECT, or SERVER_UP with the state behind
    /// it.</summary>
    public static void WriteEvent(this IBufferWriter<byte> output, in StateEvent news)
    {
        output.Write(news.State switch
        {
            ServerState.Dead => "SERVER_DOWN "u8,
            ServerState.Suspect => "SERVER_SUSPECT "u8,
            _ => "SERVER_UP "u8,
        });
        output.WriteText(news.Id.Value);
        output.Write(" "u8);
        output.WriteNumber(news.UnixSeconds);
        WriteOrder(output, news);
        if (news.State is not (ServerState.Dead or ServerState.Suspect))
        {
            output.Write(" state="u8);
            output.Write(news.State.Word());
        }
        output.Write("\n"u8);
    }

    /// <summary><c>STATE id state inc=N ev=N [heard=MILLISECONDS]</c>, one row of the digest.</summary>
    /// <param name="output">Where it is written.</param>
    /// <param name="row">What is said of the server.</param>
    /// <param name="heard">How long ago its last heartbeat came; null when none did.</param>
    public static void WriteState(this IBufferWriter<byte> output, in StateEvent row, TimeSpan? heard = null)
    {
        output.Write("STATE "u8);
        output.WriteText(row.Id.Value);
        output.Write(" "u8);
        output.Write(row.State.Word());
        WriteOrder(output, row);
        if (heard is { } age)
        {
            output.Write(" heard="u8);
            output.WriteNumber(Math.Min((long)age.TotalMilliseconds, StateRow.LongestHeard));
        }
        output.Write("\n"u8);
    }

    /// <summary><c>DOUBT on</c> or <c>DOUBT off</c>.</summary>
    public static void WriteDoubt(this IBufferWriter<byte> output, bool isOn) =>
        output.Write(isOn ? "DOUBT on\n"u8 : "DOUBT off\n"u8);

    private static void WriteOrder(IBufferWriter<byte> output, in StateEvent news)
    {
        output.Write(" inc="u8);
        output.WriteNumber(news.Incarnation);
        output.Write(" ev="u8);
        output.WriteNumber(news.Event);
        if (news is { State: ServerState.Suspect, IsSpared: true }) output.Write(" spared=1"u8);
        if (news.State is not (ServerState.Dead or ServerState.Suspect) || news.Why.Length == 0) return;
        output.Write(" why="u8);
        byte[] why = Encoding.UTF8.GetBytes(news.Why);
        PercentText.Encode(why.AsSpan(0, Math.Min(why.Length, StateEvent.WhyBytes)), output);
    }
}

/// <summary>One thing that a monitor says of a server.</summary>
/// <param name="Id">The server.</param>
/// <param name="State">What it is.</param>
/// <param name="Incarnation">Which of its starts is meant; 0 for a server of version 1, which counts none.</param>
/// <param name="Event">The monitor's number of this event since its start; it only grows.</param>
/// <param name="UnixSeconds">When, for people to read; nothing is decided by it.</param>
/// <param name="IsSpared">A suspect that would be dead but for the limit of removals.</param>
/// <param name="Why">What it is called dead or suspected for, for people to read.</param>
public readonly record struct StateEvent(ServerId Id, ServerState State, long Incarnation, long Event,
    long UnixSeconds, bool IsSpared = false, string Why = "")
{
    /// <summary>Most bytes of a reason: one sentence.</summary>
    public const int WhyBytes = 256;
}

/// <summary>Numbers that only who was asked can know: 16 hex digits.</summary>
public static class Nonces
{
    private const int Digits = 16;
    private static readonly StandardFormat Format = new('x', Digits);

    /// <summary>Appends the digits.</summary>
    public static void Write(IBufferWriter<byte> output, ulong nonce)
    {
        Utf8Formatter.TryFormat(nonce, output.GetSpan(Digits), out int length, Format);
        output.Advance(length);
    }

    /// <summary>Reads exactly 16 hex digits.</summary>
    public static bool TryParse(ReadOnlySpan<byte> word, out ulong nonce)
    {
        nonce = 0;
        return word.Length == Digits && Utf8Parser.TryParse(word, out nonce, out int used, 'x') && used == Digits;
    }
}
