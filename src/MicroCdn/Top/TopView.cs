using System.Globalization;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Top;

/// <summary>What the table of <c>top</c> is sorted by.</summary>
internal enum TopOrder
{
    /// <summary>By id.</summary>
    Server,

    /// <summary>Requests a second, the most first.</summary>
    Requests,

    /// <summary>Bytes a second, the most first.</summary>
    Bytes,

    /// <summary>The part that copies answer, the least first.</summary>
    Hits,

    /// <summary>Downloads under way, the most first.</summary>
    Load,
}

/// <summary>Lays out what <c>top</c> shows: the fleet in a line, what is wrong, and a row for each server.</summary>
/// <param name="Now">The fleet.</param>
/// <param name="Servers">The servers.</param>
internal sealed record TopView(Overview Now, IReadOnlyList<ServerView> Servers)
{
    // More would leave no room for servers.
    private const int MostConcerns = 3;

    private static readonly string[] Head =
        ["SERVER", "STATE", " REQ/S", " BYTES/S", " HIT", " LOAD", " DISK", "ZONE", "VERSION", "WHY"];

    private static readonly int[] Sorted = [0, 2, 3, 4, 5];

    /// <summary>The lines, each with how it stands out.</summary>
    /// <param name="order">What the servers are sorted by.</param>
    public IEnumerable<TopLine> Lines(TopOrder order)
    {
        yield return new TopLine(FleetLine(), TopStyle.Head);
        foreach (var concern in Now.Problems.Take(MostConcerns))
        {
            yield return new TopLine(concern.Text, concern.Severity == "error" ? TopStyle.Bad : TopStyle.Doubtful);
        }
        if (Now.Problems.Count > MostConcerns)
        {
            yield return new TopLine($"and {Number(Now.Problems.Count - MostConcerns)} more: microcdn logs",
                TopStyle.Plain);
        }
        yield return new TopLine("", TopStyle.Plain);
        string[] head = [.. Head];
        head[Sorted[(int)order]] += "*";
        ServerView[] rows = [.. SortedBy(order)];
        string[] lines = [.. Columns.Lines(head, [.. rows.Select(Row)])];
        yield return new TopLine(lines[0], TopStyle.Head);
        for (int row = 0; row < rows.Length; row++) yield return new TopLine(lines[row + 1], StyleOf(rows[row]));
    }

    /// <summary>The part of requests that copies answered; null when none came.</summary>
    public static double? HitRatio(Figures? figures) =>
        figures is { Hits: var hits, Misses: var misses } && hits + misses > 0 ? hits / (hits + misses) : null;

    private string FleetLine()
    {
        int all = Now.Servers.Values.Sum();
        string states = string.Join(", ", Now.Servers.Where(state => state.Value > 0)
            .OrderBy(state => state.Key, StringComparer.Ordinal).Select(state => $"{Number(state.Value)} {state.Key}"));
        string missing = Now.Copies is { Missing: > 0 and var count } ? $"  {Number(count)} copies missing" : "";
        return $"{Number(all)} servers ({(states.Length == 0 ? "none yet" : states)})  {Rate(Now.Figures.Requests)} "
            + $"requests/s  {Size(Now.Figures.Bytes)}/s  hit {Percent(HitRatio(Now.Figures))}  "
            + $"{Number(Now.Figures.Downloads)} downloads  {Number(Now.Files)} files{missing}";
    }

    private IEnumerable<ServerView> SortedBy(TopOrder order)
    {
        var byId = Servers.OrderBy(one => one.Id, StringComparer.Ordinal);
        return order switch
        {
            TopOrder.Requests => byId.OrderByDescending(one => one.Figures?.Requests ?? -1),
            TopOrder.Bytes => byId.OrderByDescending(one => one.Figures?.Bytes ?? -1),
            TopOrder.Hits => byId.OrderBy(one => HitRatio(one.Figures) ?? 2),
            TopOrder.Load => byId.OrderByDescending(one => one.Load),
            _ => byId,
        };
    }

    private static string[] Row(ServerView one) =>
    [
        one.Id, one.IsRetired ? $"{one.State}, retired" : one.State,
        one.Figures is { } figures ? Rate(figures.Requests) : "-",
        one.Figures is { } sent ? Size(sent.Bytes) : "-", Percent(HitRatio(one.Figures)), Number(one.Load),
        Disk(one.Told), one.Zone ?? "-", one.Told?.Version ?? "-", one.Why,
    ];

    private static TopStyle StyleOf(ServerView one) => one.State switch
    {
        "dead" => TopStyle.Bad,
        "alive" => TopStyle.Plain,
        _ => TopStyle.Doubtful,
    };

    private static string Disk(ServerTold? told) => told is { DiskFree: { } free, DiskSize: > 0 and { } size }
        ? Percent(1 - ((double)free / size)) : "-";

    private static string Rate(double rate) =>
        rate.ToString(rate < 10 ? "0.0" : "#,0", CultureInfo.InvariantCulture);

    private static string Size(double bytes) => Table.Size((long)Math.Clamp(bytes, 0, long.MaxValue / 2));

    private static string Percent(double? part) =>
        part is { } value ? $"{Math.Floor(value * 100).ToString("0", CultureInfo.InvariantCulture)} %" : "-";

    private static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);
}

/// <summary>How a line stands out, where it may.</summary>
internal enum TopStyle
{
    /// <summary>Not at all.</summary>
    Plain,

    /// <summary>It says what is below.</summary>
    Head,

    /// <summary>Something is wrong.</summary>
    Bad,

    /// <summary>Something may be wrong.</summary>
    Doubtful,
}

/// <summary>A line of the screen.</summary>
/// <param name="Text">What it says.</param>
/// <param name="Style">How it stands out.</param>
internal readonly record struct TopLine(string Text, TopStyle Style);
