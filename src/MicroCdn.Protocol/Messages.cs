namespace MicroCdn.Protocol;

// The control messages, as views on the line they were read from: reading one allocates nothing. In version 1 each
// counts its words exactly, as its peers do; in version 2 some end in key=value words. The verb itself has already been
// taken by the caller.

/// <summary><c>REGISTER server_id tcp_port udp_port</c>: a content server opens its list of files.</summary>
public readonly ref struct Registration
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>The port of its line server.</summary>
    public int TcpPort { get; private init; }

    /// <summary>The port its heartbeats leave from.</summary>
    public int UdpPort { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out Registration message) =>
        TryTake(ref words, out message) && words.AtEnd;

    /// <summary>Reads the words after the verb on a version 2 connection, facts included.</summary>
    public static bool TryParse(Words words, out Registration message, out ServerFacts facts)
    {
        facts = ServerFacts.None;
        return TryTake(ref words, out message) && ServerFacts.TryParse(words, out facts);
    }

    private static bool TryTake(scoped ref Words words, out Registration message)
    {
        bool valid = words.Next(out var id) & words.NextPort(out int tcp) & words.NextPort(out int udp)
            && ServerId.IsValid(id);
        message = new Registration { Id = id, TcpPort = tcp, UdpPort = udp };
        return valid;
    }
}

/// <summary><c>ADD_FILE server_id file_name size</c>: one file of the list; the name is whatever stands between id
/// and size.</summary>
public readonly ref struct FileAnnouncement
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>The name as it travels, still encoded.</summary>
    public ReadOnlySpan<byte> Name { get; private init; }

    /// <summary>The file's length in bytes.</summary>
    public long Size { get; private init; }

    /// <summary>SHA-256 of the bytes, or <see cref="FileDigest.None"/>; never said in version 1.</summary>
    public FileDigest Digest { get; private init; }

    /// <summary>Last change of the bytes in seconds since 1970, or -1; never said in version 1.</summary>
    public long UnixSeconds { get; private init; }

    /// <summary>The chunk root (<see cref="Chunks"/>), or <see cref="FileDigest.None"/>; never said in version 1, and
    /// not kept without a digest.</summary>
    public FileDigest Root { get; private init; }

    /// <summary>The revision that an index had it show; 0 for a file that is there by itself.</summary>
    public long Revision { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out FileAnnouncement message)
    {
        bool valid = words.Next(out var id) & words.Last(out var last) & Words.IsNumber(last, out long size)
            && !words.AtEnd;
        message = new FileAnnouncement { Id = id, Name = words.Rest, Size = size, UnixSeconds = -1 };
        return valid;
    }

    /// <summary>Reads the words after the verb on a version 2 connection, where the name is one word.</summary>
    public static bool TryParse2(Words words, out FileAnnouncement message)
    {
        bool valid = words.Next(out var id) & words.Next(out var name) & words.NextNumber(out long size);
        FileDigest digest = FileDigest.None, root = FileDigest.None;
        long time = -1, revision = 0;
        while (valid && words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("sha256"u8)) valid = FileDigest.TryParse(value, out digest);
            else if (key.SequenceEqual("rev"u8)) 
            {
                valid = Words.IsNumber(value, out revision) && revision <= Limits.Revision;
            }
            else if (key.SequenceEqual("chunks"u8)) valid = FileDigest.TryParse(value, out root);
            else if (key.SequenceEqual("time"u8))
            {
                valid = Words.IsNumber(value, out time) && time <= Limits.UnixSeconds;
            }
        }
        // The root of one chunk that is not the root of this digest is impossible.
        valid = valid && (root.IsNone || digest.IsNone || !Chunks.FollowFromDigest(size)
            || root == Chunks.RootOfOne(size, digest));
        message = new FileAnnouncement
        {
            Id = id, Name = name, Size = size, Digest = digest, UnixSeconds = time, Root = root, Revision = revision,
        };
        return valid && words.AtEnd;
    }
}

/// <summary><c>REMOVE_FILE server_id file_name</c>, of version 2: a file that the server no longer has.</summary>
public readonly ref struct FileRemoval
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>The name as it travels, still encoded.</summary>
    public ReadOnlySpan<byte> Name { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out FileRemoval message)
    {
        bool valid = words.Next(out var id) & words.Next(out var name) && words.OnlyUnknownPairs();
        message = new FileRemoval { Id = id, Name = name };
        return valid;
    }
}

/// <summary><c>UPDATE_LOAD server_id load</c>: a load told to the index by the server itself.</summary>
public readonly ref struct LoadUpdate
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>Downloads under way there.</summary>
    public int Load { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out LoadUpdate message)
    {
        bool valid = words.Next(out var id) & words.NextCount(out int load) && words.AtEnd;
        message = new LoadUpdate { Id = id, Load = load };
        return valid;
    }
}

/// <summary><c>HEARTBEAT server_id ip tcp_port load num_files</c>: a sign of life.</summary>
public readonly ref struct Heartbeat
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>The address or host name the server goes by.</summary>
    public ReadOnlySpan<byte> Host { get; private init; }

    /// <summary>The port of its line server.</summary>
    public int TcpPort { get; private init; }

    /// <summary>Downloads under way.</summary>
    public int Load { get; private init; }

    /// <summary>Files in its library.</summary>
    public int Files { get; private init; }

    /// <summary>Reads a whole datagram, verb included; an LF or CR LF at its end is ignored.</summary>
    public static bool TryParse(ReadOnlySpan<byte> datagram, out Heartbeat message)
    {
        Words words = new(datagram.TrimEnd("\r\n"u8));
        return TryTake(ref words, out message) && words.AtEnd;
    }

    internal static bool TryTake(scoped ref Words words, out Heartbeat message)
    {
        bool valid = words.Next(out var verb) & verb.SequenceEqual("HEARTBEAT"u8)
            & words.Next(out var id) & words.Next(out var host) & words.NextPort(out int port)
            & words.NextCount(out int load) & words.NextCount(out int files)
            && ServerId.IsValid(id) && IsHost(host);
        message = new Heartbeat { Id = id, Host = host, TcpPort = port, Load = load, Files = files };
        return valid;
    }

    /// <summary>True for a word that can be an address or a host name: visible ASCII within the limit.</summary>
    public static bool IsHost(ReadOnlySpan<byte> word) =>
        word.Length is > 0 and <= Limits.HostBytes && !word.ContainsAnyExceptInRange((byte)0x21, (byte)0x7E);
}

/// <summary><c>SERVER_DOWN server_id unix_seconds</c>: a monitor's verdict.</summary>
public readonly ref struct ServerDown
{
    /// <summary>The server's id.</summary>
    public ReadOnlySpan<byte> Id { get; private init; }

    /// <summary>When, in seconds since 1970; printed, never compared: two hosts' clocks differ.</summary>
    public long UnixSeconds { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out ServerDown message)
    {
        bool valid = words.Next(out var id) & words.NextNumber(out long seconds) && words.AtEnd;
        message = new ServerDown { Id = id, UnixSeconds = seconds };
        return valid;
    }
}

/// <summary><c>REGISTER_INDEX host port</c>: an index asks to be told of failures.</summary>
public readonly ref struct IndexSubscription
{
    /// <summary>The index's host name or address.</summary>
    public ReadOnlySpan<byte> Host { get; private init; }

    /// <summary>The index's line port.</summary>
    public int Port { get; private init; }

    /// <summary>Reads the words after the verb.</summary>
    public static bool TryParse(Words words, out IndexSubscription message)
    {
        bool valid = words.Next(out var host) & words.NextPort(out int port) && words.AtEnd && Heartbeat.IsHost(host);
        message = new IndexSubscription { Host = host, Port = port };
        return valid;
    }
}
