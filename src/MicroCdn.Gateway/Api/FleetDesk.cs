using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using MicroCdn.Client;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Index;
using MicroCdn.Index.Figures;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api;

/// <summary>The fleet as the API shows it.</summary>
internal sealed class FleetDesk(IndexRole index, CopyWatch copies, string version, TimeProvider time)
{
    /// <summary>The most concerns that are told.</summary>
    public const int MostConcerns = 100;

    private const string Error = "error", Warning = "warning";

    private readonly DateTimeOffset _started = time.GetUtcNow();

    /// <summary>What an operator wants to know first.</summary>
    public Overview Overview()
    {
        CopyStatus? status = copies.Latest;
        Server[] servers = Registered();
        Dictionary<string, int> states = servers.GroupBy(server => server.State)
            .ToDictionary(group => group.Key.Text(), group => group.Count());
        return new Overview(time.GetUtcNow(), version, _started, index.Leads, index.Writer,
            index.Directory.Behind?.TotalSeconds, [.. Concerns(status).Take(MostConcerns)], states,
            index.Directory.Count, CountsOf(status), FigureViews.Of(index.Figures.Total), index.Figures.SavedBytes,
            index.Events.Latest);
    }

    /// <summary>The same as JSON.</summary>
    public byte[] OverviewJson() => JsonSerializer.SerializeToUtf8Bytes(Overview(), ApiJson.Default.Overview);

    /// <summary>Every server, by its id.</summary>
    /// <param name="reached">The address by which who asks reached this index.</param>
    public async Task<IReadOnlyList<ServerView>> ServersAsync(IPAddress reached)
    {
        CopyStatus? status = await copies.NowAsync().ConfigureAwait(false);
        Dictionary<string, ServerCopies> kept = status?.Servers.ToDictionary(one => one.Id) ?? [];
        IReadOnlyDictionary<ServerId, TimeSpan> ages = index.Directory.HeartbeatAges();
        return [.. Registered().OrderBy(server => server.Id.Value, StringComparer.Ordinal)
            .Select(server => ViewOf(server, kept.GetValueOrDefault(server.Id.Value),
                ages.TryGetValue(server.Id, out TimeSpan age) ? age : null, reached))];
    }

    /// <summary>The last hour.</summary>
    public History History() => FigureViews.Of(index.Figures.History());

    /// <summary>The origins that each server told of.</summary>
    public IReadOnlyList<OriginView> Origins() => [.. index.Figures.Origins().Select(FigureViews.Of)];

    private Server[] Registered() => [.. index.Directory.Servers.Where(server => server.Contact is not null)];

    // What the index sees itself, and what the one that writes says of copies.
    private IEnumerable<Concern> Concerns(CopyStatus? status) => index.Concerns
        .Select(concern => new Concern(EventWords.Severities[(int)concern.Severity],
            EventWords.Kinds[(int)concern.Kind], concern.Subject, concern.Text))
        .Concat(status is null ? [] : CopyConcerns(status)).OrderBy(concern => concern.Severity == Warning);

    private IEnumerable<Concern> CopyConcerns(CopyStatus status)
    {
        if (!index.Leads && status.Lost > 0)
        {
            yield return new Concern(Error, "copies", "", $"{status.Lost} files are not to be had: no server that is "
                + "there has them");
        }
        if (!index.Leads && status.Missing > 0)
        {
            yield return new Concern(Warning, "copies", "", $"{status.Missing} copies are missing");
        }
        if (status.Stuck > 0)
        {
            yield return new Concern(Warning, "copies", "", $"{status.Stuck} files have no place for their copies: "
                + "servers, or room on them, are missing");
        }
        foreach (ServerCopies server in status.Servers.Where(one => one.IsFull || one.Wrong > 0))
        {
            yield return server.Wrong > 0
                ? new Concern(Error, "server", server.Id, $"{server.Wrong} copies on {server.Id} have other bytes: its "
                    + "disk or memory is broken")
                : new Concern(Warning, "disk", server.Id, $"{server.Id} is full: a file that belongs there found no "
                    + "room");
        }
    }

    private static CopyCounts? CountsOf(CopyStatus? status) => status is null ? null : new CopyCounts(status.Names,
        status.Copies, status.There, status.Making, status.Missing, status.Stuck, status.Lost, status.BytesLeft,
        status.Speed);

    private ServerView ViewOf(Server server, ServerCopies? kept, TimeSpan? heartbeat, IPAddress reached)
    {
        Contact contact = server.Contact!;
        ToldFigures? told = index.Figures.Of(server.Id);
        ArrayBufferWriter<byte> url = new();
        if (Place.IsWeb(contact)) new Place(false, reached).WriteServer(contact, url);
        return new ServerView(server.Id.Value, server.State.Text(), server.Why, server.IsAsked, server.IsRetired,
            $"{WireAddress.Format(contact.Address)}:{contact.TcpPort}",
            url.WrittenCount > 0 ? Encoding.UTF8.GetString(url.WrittenSpan) : null, contact.Zone, contact.Country,
            contact.Weight, server.Load, contact.Pulls, kept?.Copies ?? 0, kept?.Capacity, kept?.Free, kept?.Left,
            kept?.IsFull ?? false, (int)(kept?.Wrong ?? 0), FigureViews.ToldOf(told), FigureViews.Of(told),
            heartbeat is { } age ? Math.Round(age.TotalSeconds, 3) : null);
    }
}
