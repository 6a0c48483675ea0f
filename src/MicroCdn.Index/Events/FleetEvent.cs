namespace MicroCdn.Index.Events;

/// <summary>Something that happened in the fleet, for people.</summary>
/// <param name="Id">Its number; later ones have greater ones, also over a restart of the index.</param>
/// <param name="Time">When.</param>
/// <param name="Kind">What it is about.</param>
/// <param name="Severity">How bad it is.</param>
/// <param name="Subject">Which one: a server's id, an origin, a release; may be empty.</param>
/// <param name="Text">One sentence, at most <see cref="EventLog.MostTextLetters"/> letters.</param>
public sealed record FleetEvent(
    long Id, DateTimeOffset Time, EventKind Kind, Severity Severity, string Subject, string Text);

/// <summary>What an event is about; in words: its name in small letters.</summary>
public enum EventKind
{
    /// <summary>A content server's state changed.</summary>
    Server,

    /// <summary>Copies of what is published are missing, or there again.</summary>
    Copies,

    /// <summary>An origin fails, or answers again.</summary>
    Origin,

    /// <summary>A disk has little room, or enough again.</summary>
    Disk,

    /// <summary>A certificate ends soon, or was made anew.</summary>
    Certificate,

    /// <summary>The index began, leads, or is behind.</summary>
    Index,

    /// <summary>Something was purged.</summary>
    Purge,

    /// <summary>A release was activated, rolled back or taken away.</summary>
    Release,

    /// <summary>A policy changed.</summary>
    Policy,

    /// <summary>A token was made or taken back.</summary>
    Token,

    /// <summary>Somebody tries whether they are told.</summary>
    Test,
}

/// <summary>How bad an event is; in words: its name in small letters.</summary>
public enum Severity
{
    /// <summary>Good to know, and the end of something bad.</summary>
    Info,

    /// <summary>Somebody should look.</summary>
    Warning,

    /// <summary>Clients notice, or will.</summary>
    Error,
}
