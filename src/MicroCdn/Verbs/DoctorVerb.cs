using System.CommandLine;
using System.Globalization;
using MicroCdn.Api;
using MicroCdn.Client;
using MicroCdn.Content;
using MicroCdn.Doctor;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Keys;
using MicroCdn.Network;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn doctor</c>: looks at a fleet from where it runs, and says what is wrong and what mends
/// it.</summary>
internal static class DoctorVerb
{
    public static Command Create()
    {
        IndexFlags index = new();
        Option<string> monitorHost = Flags.Host("--monitor-host", "The monitor's host.");
        Option<int> monitorPort = Flags.Port("--monitor-tcp-port", 6001, "The monitor's line port.");
        Option<MonitorAddress[]> monitors = Flags.Monitors("A further monitor to look at; repeatable.");
        Option<string?> data = Flags.Data("A state folder whose disk is looked at; by default the user's.");
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.Json();
        ApiFlags api = new();
        Command verb = new("doctor",
            "Look at the fleet from here: ports, clocks, certificates, disks; each finding with what mends it.")
        {
            monitorHost, monitorPort, monitors, data, keyFile, json,
        };
        index.AddTo(verb);
        api.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            using Examination look = new(new TcpDialer(TimeProvider.System),
                KeyFile.Operator(KeyFlags.Choose(parsed.GetValue(keyFile), null)), TimeProvider.System);
            Told told = await AdminAsync(api, parsed, look, token);
            ClientOptions asked = index.Read(parsed);
            IReadOnlyList<IndexEndPoint> indexes = asked.Indexes.Count > 0 ? asked.Indexes
                : [!index.IsGiven(parsed) && told.Places.Index is { } own ? own
                    : new IndexEndPoint(asked.IndexHost, asked.IndexPort)];
            bool isNamed = parsed.GetResult(monitorHost) is { Implicit: false }
                || parsed.GetResult(monitorPort) is { Implicit: false };
            MonitorAddress first = new(parsed.GetValue(monitorHost)!, parsed.GetValue(monitorPort), 0);
            IReadOnlyList<MonitorAddress> heard = isNamed || told.Places.Monitors.Count == 0 ? [first]
                : told.Places.Monitors;
            var lines = indexes.Select(one => look.LookAsync(one, indexes.Count > 1, token)).ToArray();
            var monitorLines = heard.Concat(parsed.GetValue(monitors)!).Distinct()
                .Select(one => look.LookAsync(one.Host, one.TcpPort, token)).ToArray();
            FleetFacts facts = new(TimeProvider.System.GetUtcNow(), await Task.WhenAll(lines), told.Admin,
                await Task.WhenAll(monitorLines),
                await Task.WhenAll(told.Servers.Select(one => look.LookAsync(one, token))),
                Examination.DiskOf(parsed.GetValue(data) ?? StateFolder.OfUser), Descriptors.Limit);
            return Print([.. Diagnosis.Of(facts)], parsed.GetValue(json));
        }));
        return verb;
    }

    private static async Task<Told> AdminAsync(
        ApiFlags api, ParseResult parsed, Examination look, CancellationToken token)
    {
        try
        {
            using ApiClient client = api.Open(parsed, TimeSpan.FromSeconds(5));
            Task<KnownPlaces> places = Examination.AskPlacesAsync(client, token);
            (AdminFact admin, IReadOnlyList<ServerView> servers) = await look.AskAsync(client, token);
            return new Told(admin, servers, await places);
        }
        catch (CdnException exception)
        {
            return new Told(new AdminFact("", exception.Message, null, null)
            {
                IsAway = exception.Failure == CdnFailure.Unreachable,
            }, [], KnownPlaces.None);
        }
    }

    private sealed record Told(AdminFact Admin, IReadOnlyList<ServerView> Servers, KnownPlaces Places);

    private static int Print(IReadOnlyList<Finding> findings, bool isJson)
    {
        int errors = findings.Count(one => one.Verdict == Verdict.Error);
        int warnings = findings.Count(one => one.Verdict == Verdict.Warning);
        int printed = isJson
            ? Messages.PrintJson(new DoctorReport(findings, errors, warnings), ApiShapes.Printed.DoctorReport)
            : Messages.Print(() =>
            {
                using PlainLines output = new();
                foreach (Finding one in findings)
                {
                    output.WriteLine($"{one.Level,-7}  {one.About,-11}  {one.Text}");
                    if (one.Mend.Length > 0) output.WriteLine($"{"",-7}  {"",-11}  $ {one.Mend}");
                }
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{findings.Count} checks: {errors} errors, {warnings} warnings"));
            });
        return printed != ExitCode.Done ? printed : errors > 0 ? ExitCode.Failed : ExitCode.Done;
    }
}
