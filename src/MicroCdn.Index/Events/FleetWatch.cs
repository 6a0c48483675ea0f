using System.Globalization;
using MicroCdn.Index.Figures;
using MicroCdn.Protocol;

namespace MicroCdn.Index.Events;

/// <summary>Looks at the fleet once a second, as an operator would who had the time: what is wrong now, and what is
/// new.</summary>
internal sealed class FleetWatch
{
    /// <summary>Most concerns that are named.</summary>
    public const int MostConcerns = 100;

    private const double Gibibyte = 1L << 30;

    // One request that an origin fails among many that it answers is no outage.
    private static readonly TimeSpan OriginPatience = TimeSpan.FromSeconds(3);

    // What a server told longer ago says nothing of now.
    private static readonly TimeSpan Lately = TimeSpan.FromSeconds(10);

    private readonly EventLog _events;
    private readonly Signals _signals;
    private readonly Dictionary<ServerId, Severity> _disks = [];
    private readonly TimeProvider _time;
    private readonly long _began;
    private volatile IReadOnlyList<FleetConcern> _concerns = [];

    /// <summary>Nothing was looked at yet.</summary>
    /// <param name="events">Where what is new is told.</param>
    /// <param name="time">The clock.</param>
    public FleetWatch(EventLog events, TimeProvider time)
    {
        (_events, _signals, _time, _began) = (events, new Signals(events), time, time.GetTimestamp());
    }

    /// <summary>What is wrong now, the worst first; any thread.</summary>
    public IReadOnlyList<FleetConcern> Concerns => _concerns;

    /// <summary>Says that the index began.</summary>
    public void Begin() => _events.Add(EventKind.Index, Severity.Info, "", "the index has started");

    /// <summary>Looks; one caller at a time.</summary>
    public void Look(FleetSituation now)
    {
        TimeSpan at = _time.GetElapsedTime(_began);
        HashSet<ServerId> heard = [];
        foreach (ToldFigures told in now.Told.Where(told => told.Age <= Lately))
        {
            heard.Add(told.Figures.Server);
            if (SightOfDisk(told.Figures) is { } disk) _signals.Report(disk, at);
            if (SightOfCertificate(told.Figures) is { } certificate) _signals.Report(certificate, at);
        }
        foreach (OriginFigures origin in now.Origins.Where(origin => heard.Contains(origin.Server)))
        {
            _signals.Report(SightOf(origin), at, OriginPatience);
        }
        if (now.Copies is { } copies) _signals.Report(SightOf(copies.Missing, copies.Lost), at);
        _signals.Report(SightOfIndex(now.Behind), at);
        _signals.Report(new Sight(EventKind.Index, "writer", Severity.Info, now.Leads
            ? "this index leads: it writes what is published" : "this index leads no more: another one writes",
            now.Leads ? "leads" : "follows"), at);
        foreach (ServerId gone in _disks.Keys.Except(now.Told.Select(told => told.Figures.Server)).ToArray())
        {
            _disks.Remove(gone);
        }
        _concerns = [.. _signals.Concerns(at).Concat(now.Servers.Select(ConcernOf).OfType<FleetConcern>())
            .OrderByDescending(concern => concern.Severity).ThenBy(concern => concern.Kind)
            .ThenBy(concern => concern.Subject, StringComparer.Ordinal).Take(MostConcerns)];
    }

    // A change of state is told where it is judged; here it is only what is wrong now.
    private static FleetConcern? ConcernOf((ServerId Id, ServerState State, string Why) server) => server.State switch
    {
        ServerState.Dead => new(Severity.Error, EventKind.Server, server.Id.Value,
            $"{server.Id} is dead: {server.Why}"),
        ServerState.Suspect or ServerState.Unknown => new(Severity.Warning, EventKind.Server, server.Id.Value,
            $"{server.Id} is {server.State.Text()}: {server.Why}"),
        _ => null,
    };

    private static Sight SightOf(OriginFigures origin)
    {
        string subject = $"{origin.Server} {origin.Origin}";
        return origin.Down is { } how
            ? new(EventKind.Origin, subject, Severity.Error,
                $"the origin of {origin.Origin} fails {origin.Server}: {how}")
            : new(EventKind.Origin, subject, Severity.Info, $"the origin of {origin.Origin} answers {origin.Server}");
    }

    // Lower to become bad than to become good again: a disk on the border would be news each minute.
    private Sight? SightOfDisk(ServerFigures told)
    {
        if (told is not { DiskFree: { } free, DiskSize: > 0 and { } size }) return null;
        Severity before = _disks.GetValueOrDefault(told.Server), now = SeverityOf(free, size, 1);
        if (now < before) now = (Severity)Math.Min((int)before, (int)SeverityOf(free, size, 1.2));
        _disks[told.Server] = now;
        string left = string.Create(CultureInfo.InvariantCulture,
            $"{free / Gibibyte:0.0} GiB ({100.0 * free / size:0.#} %) left");
        return new(EventKind.Disk, told.Server.Value, now, now == Severity.Info
            ? $"the disk of {told.Server} has room: {left}" : $"the disk of {told.Server} has {left}");
    }

    private static Severity SeverityOf(long free, long size, double factor) =>
        free < factor * 0.01 * size ? Severity.Error
        : free < factor * 0.05 * size || free < factor * 2 * Gibibyte ? Severity.Warning : Severity.Info;

    private Sight? SightOfCertificate(ServerFigures told)
    {
        if (told.CertificateEnds is not { } seconds) return null;
        DateTimeOffset end = DateTimeOffset.FromUnixTimeSeconds(seconds);
        double days = (end - _time.GetUtcNow()).TotalDays;
        Severity severity = days < 3 ? Severity.Error : days < 14 ? Severity.Warning : Severity.Info;
        string on = end.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return new(EventKind.Certificate, told.Server.Value, severity, severity == Severity.Info
            ? $"the certificate of {told.Server} is good until {on}" : days < 0
            ? $"the certificate of {told.Server} ended on {on}" : $"the certificate of {told.Server} ends on {on}");
    }

    private static Sight SightOf(long missing, long lost) => new(EventKind.Copies, "",
        lost > 0 ? Severity.Error : missing > 0 ? Severity.Warning : Severity.Info,
        lost > 0
            ? $"{lost} files are not to be had: no server that is there has them; {missing} copies are missing"
        : missing > 0 ? $"{missing} copies are missing" : "all copies are there");

    private static Sight SightOfIndex(TimeSpan? behind) => behind is { } by
        ? new(EventKind.Index, "", Severity.Error,
            $"this index is behind the others for {by.TotalSeconds:0} s: what it says may be old")
        : new(EventKind.Index, "", Severity.Info, "this index has caught up with the others");
}

/// <summary>Something that is wrong now.</summary>
/// <param name="Severity">How bad it is.</param>
/// <param name="Kind">What it is about.</param>
/// <param name="Subject">Which one: a server's id, a server's id and an origin; may be empty.</param>
/// <param name="Text">One sentence.</param>
public sealed record FleetConcern(Severity Severity, EventKind Kind, string Subject, string Text);

/// <summary>What there is to be looked at.</summary>
internal sealed record FleetSituation
{
    /// <summary>The servers that registered and are not retired, how they are and why.</summary>
    public IReadOnlyList<(ServerId Id, ServerState State, string Why)> Servers { get; init; } = [];

    /// <summary>What they told last.</summary>
    public IReadOnlyList<ToldFigures> Told { get; init; } = [];

    /// <summary>The origins that they told of.</summary>
    public IReadOnlyList<OriginFigures> Origins { get; init; } = [];

    /// <summary>How many copies are missing, and how many files nobody can give; null where that is not
    /// known.</summary>
    public (long Missing, long Lost)? Copies { get; init; }

    /// <summary>For how long this index cannot tell whether it knows what is published; null when it can.</summary>
    public TimeSpan? Behind { get; init; }

    /// <summary>True for the index that writes.</summary>
    public bool Leads { get; init; }
}
