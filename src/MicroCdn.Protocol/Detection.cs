namespace MicroCdn.Protocol;

// What a monitor of version 2 hears from content servers and operators; docs/protocol.md, "Life and death". Views on
// the line they were read from, as in Messages.cs.

/// <summary><c>TETHER server_id tcp_port udp_port inc=N [beat=MILLISECONDS]</c>: the connection whose end means that
/// the server is gone.</summary>
public readonly ref struct Tether
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>The port of its line server.</summary>
    public int TcpPort { get; private init; }

    /// <summary>The port at which it answers PING datagrams.</summary>
    public int UdpPort { get; private init; }

    /// <summary>How often it was started, 1 or more.</summary>
    public long Incarnation { get; private init; }

    /// <summary>The time between two of its heartbeats.</summary>
    public TimeSpan Beat { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out Tether message)
    {
        bool valid = words.Next(out var id) & words.NextPort(out int tcp) & words.NextPort(out int udp)
            && ServerId.IsValid(id);
        long incarnation = 0, beat = (long)Limits.Beat.TotalMilliseconds;
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("inc"u8)) valid = Words.IsNumber(value, out incarnation);
            else if (key.SequenceEqual("beat"u8))
            {
                valid = Words.IsNumber(value, out beat) && beat >= Limits.ShortestBeat.TotalMilliseconds
                    && beat <= Limits.LongestBeat.TotalMilliseconds;
            }
        }
        valid = valid && incarnation > 0 && words.AtEnd;
        message = new Tether
        {
            Id = id, TcpPort = tcp, UdpPort = udp, Incarnation = incarnation,
            Beat = valid ? TimeSpan.FromMilliseconds(beat) : Limits.Beat,
        };
        return valid;
    }
}

/// <summary>A verb with a server's id behind it: <c>BYE</c>, <c>DRAIN</c> and <c>RESUME</c>.</summary>
public readonly ref struct ServerMention
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out ServerMention message)
    {
        bool valid = words.Next(out var id) && ServerId.IsValid(id) && words.OnlyUnknownPairs();
        message = new ServerMention { Id = id };
        return valid;
    }
}

/// <summary><c>HEARTBEAT server_id ip tcp_port load num_files inc=N seq=N gap=MILLISECONDS</c>: the sign of life of
/// version 2.</summary>
public readonly ref struct NumberedHeartbeat
{
    /// <summary>The words that version 1 has too.</summary>
    public Heartbeat Plain { get; private init; }

    /// <summary>How often the server was started, 1 or more.</summary>
    public long Incarnation { get; private init; }

    /// <summary>The beat's number since that start.</summary>
    public long Sequence { get; private init; }

    /// <summary>The longest time since its beat before, as the sender measured it; zero when it did not say.</summary>
    public TimeSpan Gap { get; private init; }

    /// <summary>Reads a whole datagram, verb included; false also for the form of version 1.</summary>
    public static bool TryParse(ReadOnlySpan<byte> datagram, out NumberedHeartbeat message)
    {
        Words words = new(datagram.TrimEnd("\r\n"u8));
        bool valid = Heartbeat.TryTake(ref words, out Heartbeat plain);
        long incarnation = 0, sequence = -1, gap = 0;
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("inc"u8)) valid = Words.IsNumber(value, out incarnation);
            else if (key.SequenceEqual("seq"u8)) valid = Words.IsNumber(value, out sequence);
            else if (key.SequenceEqual("gap"u8)) valid = Words.IsNumber(value, out gap) && gap <= int.MaxValue;
        }
        valid = valid && incarnation > 0 && sequence >= 0 && words.AtEnd;
        message = new NumberedHeartbeat
        {
            Plain = plain, Incarnation = incarnation, Sequence = sequence,
            Gap = TimeSpan.FromMilliseconds(valid ? gap : 0),
        };
        return valid;
    }
}

/// <summary><c>PONG server_id nonce=HEX16 inc=N</c>: the datagram that answers a probe.</summary>
public readonly ref struct Pong
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>The number that the PING carried.</summary>
    public ulong Nonce { get; private init; }

    /// <summary>How often the server was started, 1 or more.</summary>
    public long Incarnation { get; private init; }

    /// <summary>Reads a whole datagram, verb included.</summary>
    public static bool TryParse(ReadOnlySpan<byte> datagram, out Pong message)
    {
        Words words = new(datagram.TrimEnd("\r\n"u8));
        bool valid = words.Next(out var verb) & verb.SequenceEqual("PONG"u8) & words.Next(out var id)
            && ServerId.IsValid(id);
        ulong nonce = 0;
        bool hasNonce = false;
        long incarnation = 0;
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("nonce"u8)) valid = hasNonce = Nonces.TryParse(value, out nonce);
            else if (key.SequenceEqual("inc"u8)) valid = Words.IsNumber(value, out incarnation);
        }
        valid = valid && hasNonce && incarnation > 0 && words.AtEnd;
        message = new Pong { Id = id, Nonce = nonce, Incarnation = incarnation };
        return valid;
    }
}
