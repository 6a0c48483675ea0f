using System.Net;
using MicroCdn.Monitor;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Monitor.Simulation;

/// <summary>The truth about one simulated content server.</summary>
internal sealed class SimulatedServer(int number)
{
    public int Number => number;

    public IPAddress Address { get; } = new([10, 0, (byte)(number >> 8), (byte)number]);

    public byte[] Tether { get; set; } = [];

    public long Incarnation { get; set; }

    public long Sequence { get; set; }

    public TimeSpan BeatAt { get; set; }

    public bool IsRunning { get; set; }

    public bool IsHung { get; set; }

    public bool HasLeft { get; set; }

    public TimeSpan StartedAt { get; set; }

    public TimeSpan FailedAt { get; set; }

    // What waits in the socket of one that hangs is answered when it wakes.
    public List<(int Monitor, ulong Nonce)> Unanswered { get; } = [];
}

/// <summary>One simulated monitor: the real detector, and what the network shows it.</summary>
internal sealed class SimulatedMonitor(int number, int servers, DetectionProfile profile, Random chance)
{
    public int Number => number;

    public Detector Detector { get; } = new(profile, () => (ulong)chance.NextInt64());

    public Watched?[] Servers { get; } = new Watched?[servers];

    public object?[] Tethers { get; } = new object?[servers];

    public ServerState[] Told { get; } = new ServerState[servers];

    public TimeSpan PausedUntil { get; set; }

    public TimeSpan ResumedAt { get; set; } = TimeSpan.FromDays(-1);

    /// <summary>What arrived while it was paused.</summary>
    public Queue<Happening> Waiting { get; } = new();

    /// <summary>Its wall clock against the others'; nothing may come of it.</summary>
    public TimeSpan ClockError { get; set; }

    public long Suspicions { get; set; }

    public long Deaths { get; set; }
}
