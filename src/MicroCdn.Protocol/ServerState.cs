namespace MicroCdn.Protocol;

/// <summary>What a monitor says of a content server, in the order in which an index asks them.</summary>
public enum ServerState
{
    /// <summary>It is heard.</summary>
    Alive,

    /// <summary>It was dead, and has to stay well for a while.</summary>
    Returning,

    /// <summary>Nobody has said anything of it.</summary>
    Unknown,

    /// <summary>It is silent, and being asked.</summary>
    Suspect,

    /// <summary>It leaves in order, or an operator took it out.</summary>
    Draining,

    /// <summary>It gave no sign of life when asked, or its port refused.</summary>
    Dead,
}

/// <summary>The words of <see cref="ServerState"/> on the wire.</summary>
public static class ServerStates
{
    /// <summary>The state's word.</summary>
    public static ReadOnlySpan<byte> Word(ServerState state) => state switch
    {
        ServerState.Alive => "alive"u8,
        ServerState.Returning => "returning"u8,
        ServerState.Suspect => "suspect"u8,
        ServerState.Draining => "draining"u8,
        ServerState.Dead => "dead"u8,
        _ => "unknown"u8,
    };

    /// <summary>Reads a word; false when it is no state.</summary>
    public static bool TryParse(ReadOnlySpan<byte> word, out ServerState state)
    {
        for (state = ServerState.Alive; state <= ServerState.Dead; state++)
        {
            if (word.SequenceEqual(Word(state))) return true;
        }
        state = ServerState.Unknown;
        return false;
    }

    /// <summary>True for the states that LIST_SERVERS of version 1, which knows no others, calls alive.</summary>
    public static bool IsAliveInVersion1(ServerState state) => state is not (ServerState.Draining or ServerState.Dead);
}
