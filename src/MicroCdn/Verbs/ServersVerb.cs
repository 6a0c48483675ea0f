using System.CommandLine;
using System.Text.Json;
using MicroCdn.Client;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn servers</c>: lists the content servers as the index and the monitor see them.</summary>
internal static class ServersVerb
{
    private const string Unknown = "-";
    private const int StateWidth = 9;                      // "returning"

    public static Command Create()
    {
        IndexFlags index = new();
        Option<string> monitorHost = Flags.Host("--monitor-host", "The monitor's host.");
        Option<int> monitorPort = Flags.Port("--monitor-tcp-port", 6001, "The monitor's line port.");
        Option<bool> json = Flags.Json();
        Command verb = new("servers", "List the content servers as the index and the monitor see them.")
        {
            monitorHost, monitorPort, json,
        };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            using CdnClient client = new(index.Read(parsed));
            List<ServerRow>? ofIndex = await TryAsync("index",
                client.ListServersAsync(Messages.Say, token));
            List<ServerRow>? ofMonitor = await TryAsync("monitor",
                client.ListServersOfMonitorAsync(parsed.GetValue(monitorHost)!, parsed.GetValue(monitorPort), token));
            if (ofIndex is null && ofMonitor is null) return ExitCode.Unreachable;
            List<Seen> seen = Merge(ofIndex ?? [], ofMonitor ?? []);
            int printed = Messages.Print(() =>
            {
                if (parsed.GetValue(json)) WriteJson(seen);
                else WriteTable(seen);
            });
            if (printed != ExitCode.Done) return printed;
            return ofIndex is null || ofMonitor is null ? ExitCode.Partial : ExitCode.Done;
        }));
        return verb;
    }

    private static async Task<List<ServerRow>?> TryAsync(string who, Task<List<ServerRow>> question)
    {
        try
        {
            return await question;
        }
        catch (CdnException exception)
        {
            Messages.Say($"the {who} cannot be asked: {exception.Message}");
            return null;
        }
    }

    private static List<Seen> Merge(List<ServerRow> index, List<ServerRow> monitor) =>
    [
        .. index.Concat(monitor).GroupBy(row => row.Id).Select(group => new Seen(group.First(),
            State(index.Find(row => row.Id == group.Key)), State(monitor.Find(row => row.Id == group.Key)),
            group.Select(row => row.Why).FirstOrDefault(why => why is not null)))
            .OrderBy(seen => seen.Row.Id.Value, StringComparer.Ordinal),
    ];

    private static string State(ServerRow? row) =>
        row is null ? Unknown : row.State?.Text() ?? (row.Alive ? "alive" : "dead");

    private static void WriteTable(List<Seen> seen)
    {
        int id = Math.Max(6, seen.Select(s => s.Row.Id.Value.Length).DefaultIfEmpty().Max());
        int address = Math.Max(7, seen.Select(s => Address(s.Row).Length).DefaultIfEmpty().Max());
        using PlainLines output = new();
        output.WriteLine($"{"SERVER".PadRight(id)}  {"ADDRESS".PadRight(address)}  LOAD  INDEX      MONITOR    REASON");
        foreach ((ServerRow row, string index, string monitor, string? why) in seen)
        {
            string server = $"{row.Id.Value.PadRight(id)}  {Address(row).PadRight(address)}";
            string states = $"{index,-StateWidth}  {monitor,-StateWidth}  {why ?? ""}";
            output.WriteLine($"{server}  {row.Load,4}  {states}".TrimEnd());
        }
    }

    private static void WriteJson(List<Seen> seen)
    {
        using Stream output = Console.OpenStandardOutput();
        using Utf8JsonWriter writer = new(output, Table.Json);
        writer.WriteStartArray();
        foreach ((ServerRow row, string index, string monitor, string? why) in seen)
        {
            writer.WriteStartObject();
            writer.WriteString("id", row.Id.Value);
            writer.WriteString("host", row.Host);
            writer.WriteNumber("port", row.Port);
            writer.WriteNumber("load", row.Load);
            writer.WriteString("index", index == Unknown ? null : index);
            writer.WriteString("monitor", monitor == Unknown ? null : monitor);
            writer.WriteString("why", why);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.Flush();
        output.WriteByte((byte)'\n');
    }

    private static string Address(ServerRow row) =>
        row.Host.Contains(':') ? $"[{row.Host}]:{row.Port}" : $"{row.Host}:{row.Port}";

    private readonly record struct Seen(ServerRow Row, string Index, string Monitor, string? Why);
}
