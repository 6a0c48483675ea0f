using System.CommandLine;
using System.Globalization;
using System.Net;
using MicroCdn.Api;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn explain</c>: who gets a client that wants a file, and why no other server does.</summary>
internal static class ExplainVerb
{
    public static Command Create()
    {
        Argument<string> name = new("name")
        {
            Description = "The file, or a path that is pulled from an origin.", HelpName = "NAME",
        };
        name.Validators.Add(result =>
        {
            if (result.Tokens is not [var word] || FileName.TryCreate(word.Value.TrimStart('/'), out _)) return;
            result.AddError($"name wants a relative path without '..', at most 1,024 bytes, not "
                + $"'{Table.Word(word.Value)}'.");
        });
        Option<IPAddress?> from = new("--from")
        {
            Description = "The client's address; by default the one that you ask from.",
            HelpName = "IP",
            CustomParser = result => Flags.Read<IPAddress>(
                result, "--from", "an IP address, such as 203.0.113.9", IPAddress.TryParse),
        };
        Option<bool> json = Flags.Json();
        ApiFlags api = new();
        Command verb = new("explain", "Say which server gets a client that wants a file, and why no other does.")
        {
            name, from, json,
        };
        api.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            using ApiClient client = api.Open(parsed);
            string asked = $"/explain?name={Uri.EscapeDataString(parsed.GetValue(name)!)}"
                + (parsed.GetValue(from) is { } address ? $"&from={Uri.EscapeDataString($"{address}")}" : "");
            Explanation told = await client.GetAsync(asked, ApiShapes.Default.Explanation, token);
            int printed = parsed.GetValue(json) ? Messages.PrintJson(told, ApiShapes.Printed.Explanation)
                : Messages.Print(() =>
                {
                    using PlainLines output = new();
                    foreach (string line in Lines(told)) output.WriteLine(line);
                });
            return printed != ExitCode.Done ? printed : told.Chosen is null ? ExitCode.NotFound : ExitCode.Done;
        }));
        return verb;
    }

    /// <summary>The explanation for people: the verdict, the candidates in their order, and each exclusion.</summary>
    public static IEnumerable<string> Lines(Explanation told)
    {
        yield return told.Verdict;
        if (told.Url is { } url && !told.Verdict.Contains(url, StringComparison.Ordinal)) yield return $"at {url}";
        yield return "";
        string size = told.File.Size is { } bytes ? $", {Table.Size(bytes)}" : "";
        string copies = told.IsPulled ? ", pulled from an origin" : told.File.Wanted is { } wanted
            ? Invariant($", {told.File.Copies} of {wanted} copies") : Invariant($", {told.File.Copies} copies");
        yield return $"file    {told.File.Name}{size}{copies}";
        if (told.File.Sha256 is { } digest) yield return $"sha256  {digest}";
        string place = string.Concat(((string?[])[told.Zone is { } zone ? $"zone {zone}" : null, told.Country])
            .Where(word => word is not null).Select(word => $", {word}"));
        yield return $"client  {told.From}{place}";
        yield return "";
        foreach (string line in Columns.Lines(
            ["", "SERVER", "STATE", " SCORE", " LOAD", " WEIGHT", "ZONE", "COUNTRY", "WHY"],
            [.. told.Candidates.Select((one, number) => Row(one, number + 1, told.Chosen))]))
        {
            yield return line;
        }
        foreach (OtherBytes copy in told.NotOffered)
        {
            string other = copy.Size is { } length ? $" ({length.ToString(CultureInfo.InvariantCulture)} bytes)" : "";
            yield return $"{copy.Server} has other bytes by that name{other}, which are not offered";
        }
    }

    private static string[] Row(CandidateView one, int number, string? chosen)
    {
        string why = one.Excluded ?? (one.Id == chosen ? Joined("chosen", one.Why) : one.Why);
        return [one.Excluded is null ? Invariant($"{number}") : "-", one.Id, one.State,
            one.Excluded is null ? Invariant($"{one.Score}") : "-", Invariant($"{one.Load}"),
            Invariant($"{one.Weight}"), one.Zone ?? "-", one.Country ?? "-", why];
    }

    private static string Joined(string one, string more) => more.Length == 0 ? one : $"{one}; {more}";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
