namespace MicroCdn.Protocol;

/// <summary>What is believed of a content server, in the order in which a client should ask.</summary>
public enum ServerState : byte
{
    /// <summary>It is heard.</summary>
    Alive,

    /// <summary>It was dead, is heard again, and has to stay well for a while.</summary>
    Returning,

    /// <summary>Nobody has said anything of it; it may be used.</summary>
    Unknown,

    /// <summary>Something speaks against it: it is asked last.</summary>
    Suspect,

    /// <summary>It leaves in order, and gets no new client.</summary>
    Draining,

    /// <summary>It is given up.</summary>
    Dead,
}

/// <summary>The words of the states on the wire.</summary>
public static class ServerStates
{
    private static readonly byte[][] Words =
        [.. Enum.GetNames<ServerState>().Select(name => System.Text.Encoding.ASCII.GetBytes(name.ToLowerInvariant()))];

    private static readonly string[] Texts = [.. Words.Select(System.Text.Encoding.ASCII.GetString)];

    /// <summary>The state as a word.</summary>
    public static ReadOnlySpan<byte> Word(this ServerState state) => Words[(int)state];

    /// <summary>The same for a log or a page.</summary>
    public static string Text(this ServerState state) => Texts[(int)state];

    /// <summary>What version 1 calls it: it knows alive and dead alone.</summary>
    public static bool IsAliveInVersion1(this ServerState state) => state < ServerState.Draining;

    /// <summary>Reads a word; false when it is none of them.</summary>
    public static bool TryParse(ReadOnlySpan<byte> word, out ServerState state)
    {
        for (int number = 0; number < Words.Length; number++)
        {
            state = (ServerState)number;
            if (word.SequenceEqual(Words[number])) return true;
        }
        state = ServerState.Unknown;
        return false;
    }
}
