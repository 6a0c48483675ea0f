using System.Text;

namespace MicroCdn.Protocol;

/// <summary>One refusal a peer can read: the word after <c>ERROR</c>, what it means, and whether the connection
/// ends.</summary>
/// <param name="Word">The word on the wire.</param>
/// <param name="Closes">True when the connection is closed after the line.</param>
/// <param name="Meaning">One sentence for the one who caused it.</param>
public sealed record WireError(string Word, bool Closes, string Meaning)
{
    /// <summary>The whole line, ready to send.</summary>
    public ReadOnlyMemory<byte> Line { get; } = Encoding.UTF8.GetBytes($"ERROR {Word}\n");
}

/// <summary>The table of all refusals; docs/protocol.md shows the same rows.</summary>
public static class WireErrors
{
    /// <summary>The only word version 1 has for every reason why a file cannot be had.</summary>
    public static readonly WireError FileNotFound =
        new("FILE_NOT_FOUND", false, "No live server has a file of this name.");

    /// <summary>A verb this role does not know.</summary>
    public static readonly WireError UnknownCommand =
        new("UNKNOWN_COMMAND", false, "This role does not know the verb.");

    /// <summary>A known verb with the wrong number of words or an impossible value.</summary>
    public static readonly WireError Malformed =
        new("MALFORMED", false, "The verb is known; its words are too many, too few, or out of range.");

    /// <summary>A control message from an address outside the trusted networks.</summary>
    public static readonly WireError NotTrusted =
        new("NOT_TRUSTED", false, "Control messages are taken from loopback and --trust networks alone.");

    /// <summary>A message that only makes sense after REGISTER, or of a monitor after MONITOR.</summary>
    public static readonly WireError NotRegistered =
        new("NOT_REGISTERED", false, "REGISTER, or MONITOR, must come first on this connection.");

    /// <summary>A message about a server that never registered.</summary>
    public static readonly WireError UnknownServer =
        new("UNKNOWN_SERVER", false, "No server of this id is registered.");

    /// <summary>A table is full.</summary>
    public static readonly WireError LimitReached =
        new("LIMIT_REACHED", false, "A limit of this role is reached; its log names the limit.");

    /// <summary>The file exists but cannot be read now.</summary>
    public static readonly WireError Unavailable =
        new("UNAVAILABLE", false, "The file exists but cannot be had here now; ask another server or try again.");

    /// <summary>A range that begins behind the end of its file.</summary>
    public static readonly WireError OutOfRange =
        new("OUT_OF_RANGE", false, "The range begins behind the end of the file.");

    /// <summary>Another process already goes by this server id.</summary>
    public static readonly WireError Twin =
        new("TWIN", false, "Another process already goes by this server id; the log names both.");

    /// <summary>A control message without the proof that this role requires.</summary>
    public static readonly WireError NotAuthenticated =
        new("NOT_AUTHENTICATED", false, "Control messages need a proof of the cluster key; see --key-file.");

    /// <summary>A name under which something is published, where nothing was to be.</summary>
    public static readonly WireError Exists =
        new("EXISTS", false, "Something is published under this name, and it was not to be replaced.");

    /// <summary>A release that is not there, or not where it would have to be.</summary>
    public static readonly WireError UnknownRelease = new("UNKNOWN_RELEASE", false,
        "Nothing is staged in a release of this name; or, to be rolled back, it is not the newest that is active.");

    /// <summary>A release that was activated already.</summary>
    public static readonly WireError ReleaseActive = new("RELEASE_ACTIVE", false,
        "A release of this name is active already; stage what follows in one of another name.");

    /// <summary>A release that is too large for one change.</summary>
    public static readonly WireError ReleaseFull = new("RELEASE_FULL", false,
        "A release has at most 100,000 files and a change of 32 MiB; of all, 400,000 files are staged at most.");

    /// <summary>Fewer servers than copies can take the bytes.</summary>
    public static readonly WireError NoRoom =
        new("NO_ROOM", false, "Fewer servers than copies are asked for are here, have room and could get the bytes.");

    /// <summary>Bytes that are not those that were announced.</summary>
    public static readonly WireError Mismatch =
        new("MISMATCH", false, "The bytes that came are not those of the digest; nothing of them was kept.");

    /// <summary>A token that the book does not know.</summary>
    public static readonly WireError UnknownToken =
        new("UNKNOWN_TOKEN", false, "No token of this id is in the book.");

    /// <summary>A policy that the book does not have.</summary>
    public static readonly WireError UnknownPolicy =
        new("UNKNOWN_POLICY", false, "No policy of this prefix is in the book.");

    /// <summary>Something else is there than what was to be changed.</summary>
    public static readonly WireError Changed =
        new("CHANGED", false, "What is there is not what was to be changed: somebody was faster.");

    /// <summary>No room for what is to be stored.</summary>
    public static readonly WireError DiskFull =
        new("DISK_FULL", false, "Less than the floor would be left free, or more kept than this server may.");

    /// <summary>Too many uploads at once.</summary>
    public static readonly WireError Busy =
        new("BUSY", false, "This upload, another activation or rollback, or as many uploads as are taken at once, are "
            + "under way already; try again soon.");

    /// <summary>A line longer than <see cref="Limits.LineBytes"/>.</summary>
    public static readonly WireError LineTooLong =
        new("LINE_TOO_LONG", true, "The line is longer than 8 KiB.");

    /// <summary>A line with a control character or invalid UTF-8.</summary>
    public static readonly WireError BadLine =
        new("BAD_LINE", true, "The line holds a control character or invalid UTF-8.");

    /// <summary>A line not completed in <see cref="Limits.LineTime"/>.</summary>
    public static readonly WireError Timeout =
        new("TIMEOUT", true, "The line was not completed in 10 s.");

    /// <summary>All rows, in the order of the documentation.</summary>
    public static IReadOnlyList<WireError> All { get; } =
    [
        FileNotFound, UnknownCommand, Malformed, NotTrusted, NotRegistered, UnknownServer, LimitReached, Unavailable,
        OutOfRange, Twin, NotAuthenticated, Exists, UnknownRelease, ReleaseActive, ReleaseFull, NoRoom, Mismatch,
        UnknownToken, UnknownPolicy, Changed, DiskFull, Busy, LineTooLong, BadLine, Timeout,
    ];
}
