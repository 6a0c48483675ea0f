using System.Globalization;
using System.Text;
using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway;

/// <summary>Says in plain words which server gets a client, and why no other.</summary>
internal static class WhyPage
{
    /// <summary>Writes the page.</summary>
    public static byte[] Write(Finding finding)
    {
        StringBuilder page = new();
        page.Append(Invariant($"{Encoding.UTF8.GetString(finding.Name)}: "))
            .Append(finding.IsPulled ? "no file, but pulled from an origin"
                : Show(finding.Entry.Size, finding.Entry.Digest)).Append('\n');
        page.Append(Verdict(finding, "You are")).Append("\n\n");
        page.Append(finding.IsPulled
            ? "Servers that pull it, in the order in which they are asked; each path has an order of its own:\n"
            : "Servers that have it, in the order in which they are asked; a smaller score is better:\n");
        int place = 0;
        foreach (Candidate candidate in finding.Servers)
        {
            string number = candidate.Exclusion == Exclusion.None ? Invariant($"{++place}.") : "-";
            page.Append(Invariant($"{number,4} {candidate.Server.Id}, score {candidate.Score}: "))
                .Append(About(candidate)).Append('\n');
        }
        int more = finding.Entry.Count - finding.Servers.Count;
        if (more > 0) page.Append(Invariant($"     and {more} more\n"));
        if (finding.NotOffered.Count > 0) page.Append("\nNot offered, since most live servers hold other bytes:\n");
        foreach (OtherCopy copy in finding.NotOffered)
        {
            page.Append(Invariant($"   - {copy.Server.Id}: {Show(copy.Size, copy.Digest)}\n"));
        }
        return Encoding.UTF8.GetBytes(page.ToString());
    }

    /// <summary>Who gets the client, in a sentence.</summary>
    /// <param name="finding">The file and its servers.</param>
    /// <param name="client">Who is sent, with its verb.</param>
    public static string Verdict(Finding finding, string client)
    {
        if (finding.Chosen is not { } server) return "No client is sent anywhere for it now.";
        return finding.UrlOf(server) is { } url ? $"{client} sent to {server.Id}: {Encoding.UTF8.GetString(url)}"
            : $"No server that speaks HTTP can have this client; this gateway passes it on from {server.Id}.";
    }

    private static string About(in Candidate candidate)
    {
        Server server = candidate.Server;
        StringBuilder text = new(Finding.StateOf(server));
        if (candidate.Exclusion == Exclusion.None && server.Why.Length > 0) text.Append($" ({server.Why})");
        text.Append(Invariant($", load {server.Load}"));
        if (server.Contact is { } contact)
        {
            if (contact.Zone is { } zone) text.Append(", zone ").Append(zone);
            if (contact.Country is { } country) text.Append(", country ").Append(country);
            text.Append(Invariant($", weight {contact.Weight}"));
            if (!Place.IsWeb(contact)) text.Append(", speaks no HTTP");
        }
        if (candidate.Exclusion == Exclusion.None) return text.ToString();
        return text.Append("; left out: ").Append(Sentences.Of(candidate)).ToString();
    }

    private static string Show(long size, FileDigest digest) =>
        Invariant($"{size} bytes, ") + (digest.IsNone ? "digest not known" : $"sha256 {digest}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
