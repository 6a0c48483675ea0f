using System.Globalization;
using MicroCdn.Client;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Index.Events;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api.Endpoints;

/// <summary>Purges: begun at once, with a receipt for each server as it comes. The newest are remembered.</summary>
internal sealed class PurgeRoutes(Purger purger, EventLog events, AuditLog audit, TimeProvider time)
{
    /// <summary>Most purges that are remembered.</summary>
    public const int Most = 200;

    private readonly Lock _lock = new();
    private readonly List<PurgeView> _purges = [];
    private long _last;

    public IEnumerable<ApiRoute> All =>
    [
        new("GET", "/purges", "The newest purges, the newest first",
            call => Task.FromResult(ApiAnswer.Ok(Pages.Of(Newest(), one => one.Id, call),
                ApiJson.Default.ListingPurgeView)))
        {
            Query = [QueryKey.Limit, QueryKey.After], Gives = ApiJson.Default.ListingPurgeView,
        },
        new("GET", "/purges/{id}", "One purge with its receipts", call => Task.FromResult(Find(call)))
        {
            Gives = ApiJson.Default.PurgeView,
        },
        new("POST", "/purges", "Purge copies of origins on every content server", BeginAsync)
        {
            Scopes = TokenScopes.Purge, Takes = ApiJson.Default.PurgeWish, Gives = ApiJson.Default.PurgeView,
            Status = 202,
        },
    ];

    private PurgeView[] Newest()
    {
        lock (_lock) return [.. _purges.AsEnumerable().Reverse()];
    }

    private ApiAnswer Find(ApiCall call) => Newest().FirstOrDefault(one => one.Id == call.Values["id"]) is { } found
        ? ApiAnswer.Ok(found, ApiJson.Default.PurgeView)
        : throw new ProblemException(HttpStatus.NotFound,
            $"No purge '{Quote.Of(call.Values["id"])}' is remembered; the newest {Most} since the index began are.");

    private Task<ApiAnswer> BeginAsync(ApiCall call)
    {
        Purge purge = Read(call.Read(ApiJson.Default.PurgeWish));
        PurgeView view;
        lock (_lock)
        {
            if (_purges.Count(one => one.State == "running") >= Most / 4)
            {
                throw new ProblemException(HttpStatus.TooManyRequests, "Too many purges are under way; try again "
                    + "soon.", "Retry-After: 5\r\n");
            }
            string id = (++_last).ToString(CultureInfo.InvariantCulture);
            view = new PurgeView(id, null, purge.KindWord, purge.Value, purge.IsSoft, time.GetUtcNow(), "running", "",
                []);
            _purges.Add(view);
            if (_purges.Count > Most) _purges.Remove(_purges.First(one => one.State != "running"));
        }
        _ = Task.Run(() => RunAsync(purge, view, call));
        return Task.FromResult(ApiAnswer.Begun(view, ApiJson.Default.PurgeView, $"/purges/{view.Id}") with
        {
            Detail = purge.ToString(),
        });
    }

    private async Task RunAsync(Purge purge, PurgeView view, ApiCall call)
    {
        try
        {
            PurgeResult result = await purger.PurgeAsync(purge,
                so => Put(With(view, so)), CancellationToken.None).ConfigureAwait(false);
            Put(With(view, result) with { State = result.IsLate ? "late" : "done" });
            string late = string.Join(", ", result.Servers.Where(one => one.Answer == PurgeAnswer.Late)
                .Select(one => one.Id));
            string done = result.IsLate ? $"{purge} is purged, but {late} did not answer in time"
                : $"{purge} is purged";
            events.Add(EventKind.Purge, result.IsLate ? Severity.Warning : Severity.Info, purge.ToString(), done);
            audit.End(call, isDone: true, done);
        }
        catch (CdnException exception)
        {
            Put(view with { State = "failed", Detail = exception.Message });
            events.Add(EventKind.Purge, Severity.Error, purge.ToString(), exception.Message);
            audit.End(call, isDone: false, exception.Message);
        }
    }

    private void Put(PurgeView view)
    {
        lock (_lock)
        {
            int at = _purges.FindIndex(one => one.Id == view.Id);
            if (at >= 0) _purges[at] = view;
        }
    }

    private static PurgeView With(PurgeView view, PurgeResult result) => view with
    {
        Number = result.Number > 0 ? result.Number : null,
        Receipts = [.. result.Servers.Select(one => new PurgeReceiptView(one.Id,
            one.Answer.ToString().ToLowerInvariant(), one.Milliseconds))],
    };

    private static Purge Read(PurgeWish wish)
    {
        string[] kinds = ["url", "prefix", "tag", "all"];
        int kind = Array.IndexOf(kinds, wish.Kind);
        if (kind < 0)
        {
            string near = NearWord.Of(wish.Kind, kinds) is { } word ? $"; did you mean '{word}'?" : ".";
            throw new ProblemException(HttpStatus.BadRequest,
                $"'kind' is {ApiBody.Sequence(kinds)}, not '{Quote.Of(wish.Kind)}'{near}");
        }
        return Purge.Of((PurgeKind)kind, wish.Value ?? "", wish.Soft, out string wrong)
            ?? throw new ProblemException(HttpStatus.BadRequest, $"'value' cannot be purged: {wrong}.");
    }
}
