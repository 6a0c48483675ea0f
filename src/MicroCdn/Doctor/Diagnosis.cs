using System.Globalization;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Doctor;

/// <summary>Says what the facts of a fleet mean: each check with its end, and with the command that mends it.</summary>
/// <remarks>
/// A server that the index gave up is wrong whether or not it can be reached from here; that it can be reached says
/// where to look. One that drains or is retired need not answer. What is of other machines is mended there, and the
/// command says so by the name of the server.
/// </remarks>
internal static class Diagnosis
{
    // Purges, tokens and certificates are judged by clocks; heartbeats are not.
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(2);

    // As long as most renewals begin before the end.
    private static readonly TimeSpan CertificateNotice = TimeSpan.FromDays(14);

    // A server that serves a thousand clients needs two for each, and those of its files.
    private const int FewFiles = 4_096;

    private const double LittleRoom = 0.05, NoRoom = 0.01;

    /// <summary>All findings, in the order of the checks.</summary>
    public static IEnumerable<Finding> Of(FleetFacts facts) =>
    [
        .. facts.Indexes.Select(one => Of(one.Door, "index", $"microcdn index --port {PortOf(one.Door)}")),
        .. WritersOf(facts.Indexes),
        .. Of(facts.Admin),
        .. facts.Monitors.Select(one => Of(one, "monitor", $"microcdn monitor --tcp-port {PortOf(one)}")),
        .. facts.Servers.SelectMany(one => Of(one, facts.Now)),
        .. Of(facts.Disk),
        Files(facts.OpenFiles),
    ];

    /// <summary>How bad the worst of them is.</summary>
    public static Verdict Worst(IEnumerable<Finding> findings) =>
        findings.Select(one => one.Verdict).DefaultIfEmpty().Max();

    private static Finding Of(DoorFact door, string what, string start) => door.Trouble is { } trouble
        ? new Finding(Verdict.Error, what, $"The {what} at {door.Place} is of no use: {trouble}.",
            $"{start}   # on that machine; or name another one, see 'microcdn doctor --help'")
        : new Finding(Verdict.Ok, what, $"The {what} at {door.Place} answers.");

    // Of one index that was asked nothing is said: it need not have another one.
    private static IEnumerable<Finding> WritersOf(IReadOnlyList<IndexFact> indexes)
    {
        IndexFact[] told = [.. indexes.Where(one => one.Writer is not null)];
        string[] writers = [.. told.Select(one => one.Writer!).Distinct()];
        if (told.Length < 2) return [];
        string each = string.Join(", ", told.Select(one =>
            $"{one.Door.Place} says {(one.Writer!.Length == 0 ? "nobody" : one.Writer)}"));
        return
        [
            writers is [""] ? new Finding(Verdict.Error, "index",
                $"No index writes ({each}): nothing can be published.",
                "redis-cli ping   # on the machine of their Redis; their logs say more")
            : writers.Length > 1 ? new Finding(Verdict.Error, "index",
                $"The indexes do not agree on who writes: {each}.",
                "microcdn doctor   # again in 10 s; then look whether all name the same --redis")
            : new Finding(Verdict.Ok, "index", $"All indexes agree that {writers[0]} writes."),
        ];
    }

    private static IEnumerable<Finding> Of(AdminFact admin)
    {
        if (admin.Trouble is { } trouble)
        {
            yield return new Finding(Verdict.Error, "admin", $"{trouble}", admin.IsAway
                ? "microcdn index --http-port 8080   # on that machine; or name another one with --admin URL"
                : "microcdn token add --scope read > token; microcdn doctor --token-file token   # or --admin URL");
            yield break;
        }
        yield return new Finding(Verdict.Ok, "admin", $"The admin port at {admin.Place} answers, and takes the token.");
        if (Clock(admin.ClockAhead, "the index") is { } clock) yield return clock;
        foreach (var concern in admin.Now!.Problems.Where(one => one.Kind != "server"))
        {
            yield return new Finding(concern.Severity == "error" ? Verdict.Error : Verdict.Warning, concern.Kind,
                concern.Text, concern.Kind == "copies" ? "microcdn status" : "microcdn logs --since 1h");
        }
    }

    private static IEnumerable<Finding> Of(ServerFact server, DateTimeOffset now)
    {
        yield return StateOf(server);
        if (server.Web is { } web)
        {
            if (web.Trouble is { } trouble && IsWanted(server.View))
            {
                yield return new Finding(Verdict.Error, "server",
                    $"Clients are sent to {web.Url} for {server.View.Id}, and from here it is of no use: {trouble}.",
                    $"microcdn content --public-url URL   # for {server.View.Id}: a URL that clients reach");
            }
            if (Clock(web.ClockAhead, server.View.Id) is { } clock) yield return clock;
            if (CertificateOf(server.View.Id, web, now) is { } certificate) yield return certificate;
        }
        if (RoomOf(server.View) is { } room) yield return room;
    }

    private static bool IsWanted(ServerView view) => view.IsAsked && !view.IsRetired;

    private static Finding StateOf(ServerFact server)
    {
        (ServerView view, string? trouble) = (server.View, server.Door.Trouble);
        string why = view.Why.Length == 0 ? "" : $" ({view.Why})";
        string from = trouble is null ? $"its line port at {server.Door.Place} answers from here"
            : $"its line port at {server.Door.Place} is of no use from here: {trouble}";
        return view.State switch
        {
            "dead" when trouble is null => new Finding(Verdict.Error, "server",
                $"{view.Id} is dead to the index{why}, but {from}.",
                "microcdn servers   # which monitor says so; that one may not reach it"),
            "dead" => new Finding(Verdict.Error, "server", $"{view.Id} is dead to the index{why}, and {from}.",
                $"microcdn content --server-id {view.Id} --files DIR   # start it again, on its machine"),
            "draining" => new Finding(Verdict.Warning, "server", $"{view.Id} drains{why}: it gets no new client.",
                $"microcdn resume {view.Id}"),
            _ when view.IsRetired => new Finding(Verdict.Ok, "server", $"{view.Id} is retired; {from}."),
            "alive" or "returning" when trouble is not null => new Finding(Verdict.Error, "server",
                $"{view.Id} is {view.State} to the index, but {from}.",
                $"microcdn content --server-id {view.Id} --advertise HOST   # a name that clients reach"),
            "alive" or "returning" => new Finding(Verdict.Ok, "server", $"{view.Id} is {view.State}, and {from}."),
            _ => new Finding(trouble is null ? Verdict.Warning : Verdict.Error, "server",
                $"{view.Id} is {view.State} to the index{why}; {from}.", "microcdn servers   # who says what"),
        };
    }

    private static Finding? Clock(TimeSpan? ahead, string whose) => ahead is not { } by ? null
        : by.Duration() <= ClockTolerance ? new Finding(Verdict.Ok, "clock", $"The clock of {whose} agrees with ours.")
        : new Finding(Verdict.Warning, "clock", string.Create(CultureInfo.InvariantCulture,
            $"The clock of {whose} is {by.Duration().TotalSeconds:0} s {(by.Ticks > 0 ? "ahead of" : "behind")} ours."),
            "timedatectl set-ntp true   # on the machine that is wrong");

    private static Finding? CertificateOf(string id, WebFact web, DateTimeOffset now)
    {
        if (web.CertificateEnds is not { } ends) return null;
        string mend = $"certbot renew   # or as it was made: the certificate of {id}, which reads it again by itself";
        string day = ends.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return ends <= now ? new Finding(Verdict.Error, "certificate", $"The certificate of {id} ended on {day}.", mend)
            : web.TlsTrouble is { } trouble ? new Finding(Verdict.Error, "certificate",
                $"The certificate of {id} at {web.Url} is not believed here: {trouble}.", mend)
            : ends - now < CertificateNotice ? new Finding(Verdict.Warning, "certificate",
                $"The certificate of {id} ends on {day}.", mend)
            : new Finding(Verdict.Ok, "certificate", $"The certificate of {id} is good until {day}.");
    }

    private static Finding? RoomOf(ServerView view)
    {
        string mend = $"microcdn server retire {view.Id}   # or give it a larger disk, or a smaller --publish-size";
        if (view.IsFull)
        {
            return new Finding(Verdict.Warning, "disk", $"A file that belongs on {view.Id} found no room there.", mend);
        }
        if (view.Told is not { DiskFree: { } free, DiskSize: > 0 and { } size }) return null;
        return Room($"The disk of {view.Id}", free, size, mend);
    }

    private static IEnumerable<Finding> Of(DiskFact? disk) => disk is null ? []
        : [Room($"The disk of '{disk.Folder}' here", disk.Free, disk.Size, $"du -xh --max-depth=1 '{disk.Folder}'")];

    private static Finding Room(string what, long free, long size, string mend)
    {
        double part = (double)free / Math.Max(1, size);
        return new Finding(part < NoRoom ? Verdict.Error : part < LittleRoom ? Verdict.Warning : Verdict.Ok, "disk",
            $"{what} has {Table.Size(free)} free of {Table.Size(size)}.", part < LittleRoom ? mend : "");
    }

    private static Finding Files(int most) => most >= FewFiles
        ? new Finding(Verdict.Ok, "limit", $"A process started here may have {Number(most)} files open.")
        : new Finding(Verdict.Warning, "limit",
            $"A process started here may have {Number(most)} files open, and a connection is one.",
            "ulimit -n 65536   # LimitNOFILE=65536 in a unit of systemd");

    private static string Number(int number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    private static string PortOf(DoorFact door) => door.Place[(door.Place.LastIndexOf(':') + 1)..];
}
