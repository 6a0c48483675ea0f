using System.Net;
using System.Net.Sockets;
using System.Text;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api;

/// <summary>Says who gets a client, and why no other: by the list of policies that every GET goes through.</summary>
internal sealed class Explaining(FileDirectory directory, bool mayRelay)
{
    /// <summary>The explanation; null when nothing is known of the name.</summary>
    /// <param name="name">A file, or a path that servers pull.</param>
    /// <param name="from">The client.</param>
    /// <param name="reached">The address by which who asks reached this index.</param>
    public Explanation? Of(FileName name, IPAddress from, IPAddress reached)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(name.Value);
        IPAddress client = WireAddress.Plain(from);
        Asker asker = new(client, client.AddressFamily == AddressFamily.InterNetwork);
        Place place = new(false, reached);
        if (directory.TryFind(utf8, out FileEntry entry))
        {
            Candidate[] servers = new Candidate[entry.Count];
            servers = servers[..directory.Rank(entry, asker, servers)];
            return Of(new Finding(utf8, entry, servers, Choice.Of(servers, mayRelay), place,
                directory.NotOffered(utf8)), client);
        }
        System.Buffers.ArrayBufferWriter<byte> path = new();
        PathNames.Write(utf8, path);
        if (!directory.TryFindPulled(path.WrittenSpan, out entry)) return null;
        Candidate[] pullers = new Candidate[entry.Count];
        pullers = pullers[..directory.RankPulled(entry, path.WrittenSpan, asker, pullers)];
        return Of(new Finding(path.WrittenSpan, entry, pullers, Choice.Of(pullers, mayRelay), place), client);
    }

    private Explanation Of(Finding finding, IPAddress client)
    {
        Location location = directory.Locate(client);
        string? url = finding.Chosen is { } chosen && finding.UrlOf(chosen) is { } at
            ? Encoding.UTF8.GetString(at) : null;
        directory.TryFindPublished(finding.Name, out PublishedEntry published);
        int live = finding.Servers.Count(one => one.Exclusion == Exclusion.None);
        FileEntry entry = finding.Entry;
        FileView file = new(Encoding.UTF8.GetString(finding.Name), entry.Size < 0 ? null : entry.Size,
            entry.Digest.IsNone ? null : entry.Digest.ToString(),
            published.Digest.IsNone ? null : published.Revision,
            entry.UnixSeconds < 0 ? null : DateTimeOffset.FromUnixTimeSeconds(entry.UnixSeconds), live,
            published.Digest.IsNone ? null : published.Wanted);
        return new Explanation(file, WireAddress.Format(client), location.Zone, location.Country, finding.IsPulled,
            finding.Chosen?.Id.Value, url, WhyPage.Verdict(finding, $"{WireAddress.Format(client)} is"),
            [.. finding.Servers.Select(one => ViewOf(one, finding))],
            [.. finding.NotOffered.Select(copy => new OtherBytes(copy.Server.Id.Value,
                copy.Size < 0 ? null : copy.Size, copy.Digest.IsNone ? null : copy.Digest.ToString()))]);
    }

    private static CandidateView ViewOf(Candidate candidate, Finding finding)
    {
        Server server = candidate.Server;
        return new CandidateView(server.Id.Value, Finding.StateOf(server), server.Why, server.Load, candidate.Score,
            server.Contact?.Zone, server.Contact?.Country, server.Contact?.Weight ?? Limits.UsualWeight,
            finding.UrlOf(server) is { } url ? Encoding.UTF8.GetString(url) : null,
            candidate.Exclusion == Exclusion.None ? null : Sentences.Of(candidate));
    }
}
