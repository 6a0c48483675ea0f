using System.Globalization;
using MicroCdn.Gateway.Admin;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Index.Events;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api.Endpoints;

/// <summary>What happened, what happens, who changed what, and how this index is set.</summary>
internal sealed class EventRoutes(EventLog events, EventStreams streams, TokenDesk tokens, AuditLog audit,
    Steering steering, TimeProvider time)
{
    private const string StreamType = "text/event-stream";

    public IEnumerable<ApiRoute> All =>
    [
        new("GET", "/events", "What happened, the newest first; as text/event-stream what happens",
            call => Task.FromResult(call.Accept.Contains(StreamType, StringComparison.OrdinalIgnoreCase)
                ? Listen(call) : List(call)))
        {
            Gives = ApiJson.Default.ListingEventView, IsStream = true,
            Query =
            [
                QueryKey.Limit, QueryKey.After,
                new("since", "Only events with a greater id; of a stream it is where to begin, as Last-Event-ID."),
                new("kind", "Only events of this kind."),
                new("severity", "'info' for all, 'warning' for warnings and errors, 'error' for errors."),
                new("search", "Text that subject or sentence contains."),
            ],
        },
        new("POST", "/events/test", "Have a test event happen, to see who is told", call =>
        {
            events.Add(EventKind.Test, Severity.Info, call.Grant!.Id, "This is a test: somebody tries who is told.");
            return Task.FromResult(new ApiAnswer(HttpStatus.Accepted, null));
        })
        {
            Scopes = TokenScopes.Admin, Status = 202,
        },
        new("GET", "/notify", "Who is told of events, and how that went", call => Task.FromResult(
            ApiAnswer.Ok(Pages.All(steering.Notified()), ApiJson.Default.ListingNotifyTargetView)))
        {
            Gives = ApiJson.Default.ListingNotifyTargetView,
        },
        new("GET", "/settings", "Each effective setting, and where it came from", call => Task.FromResult(
            ApiAnswer.Ok(Pages.All(steering.Settings()), ApiJson.Default.ListingSettingView)))
        {
            Gives = ApiJson.Default.ListingSettingView,
        },
        new("GET", "/audit", "Who changed what, the newest first", call => Task.FromResult(
            ApiAnswer.Ok(Pages.All(audit.Newest.Take(call.Limit)), ApiJson.Default.ListingAuditEntry)))
        {
            Scopes = TokenScopes.Admin, Query = [QueryKey.Limit], Gives = ApiJson.Default.ListingAuditEntry,
        },
    ];

    private ApiAnswer List(ApiCall call)
    {
        long before = IdOf(call, "after", long.MaxValue);
        int least = IndexOf(call, "severity", EventWords.Severities, 0);
        int kind = IndexOf(call, "kind", EventWords.Kinds, -1);
        string search = call.Query.GetValueOrDefault("search", "");
        FleetEvent[] found = [.. events.Since(IdOf(call, "since", 0), EventLog.Most, out _).Reverse().Where(one =>
            one.Id < before && (int)one.Severity >= least && (kind < 0 || (int)one.Kind == kind)
            && (one.Text.Contains(search, StringComparison.OrdinalIgnoreCase)
                || one.Subject.Contains(search, StringComparison.OrdinalIgnoreCase))).Take(call.Limit + 1)];
        EventView[] page = [.. found.Take(call.Limit).Select(EventWords.ViewOf)];
        return ApiAnswer.Ok(new Listing<EventView>(page, found.Length > page.Length
            ? page[^1].Id.ToString(CultureInfo.InvariantCulture) : null), ApiJson.Default.ListingEventView);
    }

    private ApiAnswer Listen(ApiCall call)
    {
        long after = call.LastEvent.Length > 0 && long.TryParse(call.LastEvent, out long last) ? last
            : IdOf(call, "since", events.Latest);
        TokenGrant grant = call.Grant!;
        return new ApiAnswer(HttpStatus.Ok, null)
        {
            // Opened when it is written: who left meanwhile would never close it.
            Stream = response =>
            {
                if (streams.Open(after, () => MayListen(call, grant)) is not { } stream)
                {
                    Problem.Later(HttpStatus.ServiceUnavailable, $"{EventStreams.Most} streams are open, which is as "
                        + "many as there may be.").Write(response);
                    return;
                }
                response.Begin(HttpStatus.Ok);
                response.Fields("Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"u8);
                response.Fields("X-Content-Type-Options: nosniff\r\n"u8);
                response.EndWithStream(stream);
            },
        };
    }

    // The token may be taken back, and the session end, while somebody listens.
    private bool MayListen(ApiCall call, TokenGrant grant) =>
        tokens.Find(grant.Id)?.Hash == grant.Hash && !(call.Ends < time.GetUtcNow());

    private static long IdOf(ApiCall call, string key, long usual) =>
        !call.Query.TryGetValue(key, out string? text) ? usual
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long id) ? id
            : throw new ProblemException(HttpStatus.BadRequest, $"'{key}' is the id of an event, a whole number.");

    private static int IndexOf(ApiCall call, string key, string[] words, int usual)
    {
        if (!call.Query.TryGetValue(key, out string? text)) return usual;
        int index = Array.IndexOf(words, text);
        if (index >= 0) return index;
        string near = NearWord.Of(text, words) is { } word ? $"; did you mean '{word}'?" : ".";
        throw new ProblemException(HttpStatus.BadRequest,
            $"'{key}' is one of {ApiBody.Sequence(words)}, not '{Quote.Of(text)}'{near}");
    }
}
