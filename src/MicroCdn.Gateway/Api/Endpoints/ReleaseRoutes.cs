using MicroCdn.Client;
using MicroCdn.Gateway.Admin;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Index.Events;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api.Endpoints;

/// <summary>Releases: filled, listed, activated, rolled back, thrown away. What was begun here is told with its
/// progress.</summary>
internal sealed class ReleaseRoutes(Publisher publisher, Uploading uploading, EventLog events, AuditLog audit)
{
    // As many as the index remembers releases.
    private const int MostWorks = 256;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ReleaseWork> _works = new(StringComparer.Ordinal);

    public IEnumerable<ApiRoute> All =>
    [
        new("GET", "/releases", "Every release, the newest first", async call => ApiAnswer.Ok(
            Pages.Of(await ListAsync().ConfigureAwait(false), one => one.Name, call),
            ApiJson.Default.ListingReleaseView))
        {
            Query = [QueryKey.Limit, QueryKey.After], Gives = ApiJson.Default.ListingReleaseView,
        },
        new("GET", "/releases/{release}", "One release, and how far what was begun with it is", async call =>
            ApiAnswer.Ok(await FindAsync(call).ConfigureAwait(false), ApiJson.Default.ReleaseView))
        {
            Gives = ApiJson.Default.ReleaseView,
        },
        new("PUT", "/releases/{release}/files/{name}", "Stage a file, unseen until the release is activated", Stage)
        {
            Scopes = TokenScopes.Publish, KnowsPrefixes = true, Gives = ApiJson.Default.StagedFile,
            Query = [new("replicas", $"How many copies, 1 to {Limits.Replicas}; left out for what the policy says.")],
        },
        new("POST", "/releases/{release}/activate", "Make all that is staged in a release visible", call =>
            BeginAsync(call, "activate"))
        {
            Scopes = TokenScopes.Publish, Gives = ApiJson.Default.ReleaseView, Status = 202,
        },
        new("POST", "/releases/{release}/rollback", "Make current again what was before the newest activation", call =>
            BeginAsync(call, "rollback"))
        {
            Scopes = TokenScopes.Publish, Gives = ApiJson.Default.ReleaseView, Status = 202,
        },
        new("DELETE", "/releases/{release}", "Throw away what is staged in a release", RemoveAsync)
        {
            Scopes = TokenScopes.Publish, Status = 204,
        },
    ];

    private Problem? Stage(in Request request, Response response, ApiCall call)
    {
        string release = call.Values["release"];
        if (!ServerId.TryCreate(release, out _))
        {
            throw new ProblemException(HttpStatus.BadRequest,
                $"'{Quote.Of(release)}' is no release's name: one word of at most 64 bytes.");
        }
        FileName name = call.NameOf(call.Values["name"]);
        return uploading.Begin(request, response, new UploadWish(name, release, call.Grant!.Id, call.From));
    }

    private async Task<List<ReleaseView>> ListAsync()
    {
        List<ReleaseRow> rows = await publisher.ReleasesAsync(CancellationToken.None).ConfigureAwait(false);
        lock (_lock)
        {
            return [.. rows.AsEnumerable().Reverse().Select(row => new ReleaseView(row.Name, row.State, row.Files,
                row.Bytes, row.UnixSeconds < 0 ? null : DateTimeOffset.FromUnixTimeSeconds(row.UnixSeconds),
                row.IsUndoable, _works.GetValueOrDefault(row.Name)))];
        }
    }

    private async Task<ReleaseView> FindAsync(ApiCall call)
    {
        List<ReleaseView> releases = await ListAsync().ConfigureAwait(false);
        string name = call.Values["release"];
        if (releases.FirstOrDefault(one => one.Name == name) is { } found) return found;
        string near = NearWord.Of(name, releases.Select(one => one.Name)) is { } word ? $"; did you mean '{word}'?"
            : ".";
        throw new ProblemException(HttpStatus.NotFound, $"There is no release '{Quote.Of(name)}'{near}");
    }

    private async Task<ApiAnswer> BeginAsync(ApiCall call, string kind)
    {
        ReleaseView release = await FindAsync(call).ConfigureAwait(false);
        ReleaseWork work = new(kind, "running", null, null, "", [], []);
        lock (_lock)
        {
            if (_works.GetValueOrDefault(release.Name)?.State == "running")
            {
                throw new ProblemException(HttpStatus.Conflict, $"'{release.Name}' is being turned already.");
            }
            if (_works.Count >= MostWorks && !_works.ContainsKey(release.Name))
            {
                _works.Remove(_works.First(one => one.Value.State != "running").Key);
            }
            _works[release.Name] = work;
        }
        _ = Task.Run(() => RunAsync(release.Name, kind, work, call));
        return ApiAnswer.Begun(release with { Work = work }, ApiJson.Default.ReleaseView,
            $"/releases/{Uri.EscapeDataString(release.Name)}");
    }

    private async Task RunAsync(string release, string kind, ReleaseWork work, ApiCall call)
    {
        void Tell(long there, long wanted) => Put(release, work with { There = there, Wanted = wanted });
        try
        {
            ReleaseReceipt receipt = await (kind == "activate"
                ? publisher.ActivateAsync(release, Tell, CancellationToken.None)
                : publisher.RollBackAsync(release, Tell, CancellationToken.None)).ConfigureAwait(false);
            string done = kind == "activate" ? $"{release} is active: {receipt.Files} files (revision "
                + $"{receipt.Revision})" : $"{release} is rolled back: {receipt.Files} files, {receipt.Kept} stayed "
                + $"(revision {receipt.Revision})";
            Put(release, work with
            {
                State = "done", Detail = done, Shown = receipt.Shown, Late = receipt.Late,
            });
            events.Add(EventKind.Release, receipt.Late.Count > 0 ? Severity.Warning : Severity.Info, release, done);
            audit.End(call, isDone: true, done);
        }
        catch (CdnException exception)
        {
            Put(release, work with { State = "failed", Detail = exception.Message });
            events.Add(EventKind.Release, Severity.Error, release, exception.Message);
            audit.End(call, isDone: false, exception.Message);
        }
    }

    private async Task<ApiAnswer> RemoveAsync(ApiCall call)
    {
        ReleaseView release = await FindAsync(call).ConfigureAwait(false);
        long files = await publisher.UnstageAsync(release.Name, CancellationToken.None).ConfigureAwait(false);
        lock (_lock) _works.Remove(release.Name);
        return ApiAnswer.Done($"{files} staged files are thrown away");
    }

    private void Put(string release, ReleaseWork work)
    {
        lock (_lock) _works[release] = work;
    }
}
