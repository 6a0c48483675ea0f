namespace MicroCdn.Tests.Monitor.Simulation;

/// <summary>What can happen in a <see cref="World"/>.</summary>
internal enum HappeningKind
{
    Beat,
    BeatArrives,
    Look,
    PingArrives,
    PongArrives,
    ProbeArrives,
    ProbeEnds,
    TetherArrives,
    TetherEnds,
    Crash,
    Start,
    Hang,
    Wake,
    CutUp,
    CutDown,
    Heal,
    PauseMonitor,
    ResumeMonitor,
    JumpClock,
    Leave,
    Check,
    IndexHears,
    IndexesHearAll,
}

/// <summary>One thing that happens at one moment: to a server, at a monitor.</summary>
internal readonly record struct Happening(
    HappeningKind Kind, int Server, int Monitor, long First = 0, long Second = 0, long Third = 0);
