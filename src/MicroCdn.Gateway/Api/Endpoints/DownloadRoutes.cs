using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Index.Figures;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api.Endpoints;

/// <summary>Finished downloads by file and day, as content servers count them.</summary>
internal sealed class DownloadRoutes(FleetDownloads downloads, TimeProvider time)
{
    public IEnumerable<ApiRoute> All =>
    [
        new("GET", "/downloads", "Finished downloads of a day by file, the most first",
            call => Task.FromResult(List(call)))
        {
            Gives = ApiJson.Default.ListingDownloadView,
            Query =
            [
                QueryKey.Limit, QueryKey.After,
                new("day", $"The day, UTC, such as 2026-11-29; today when left out. {FleetDownloads.MostDays} "
                    + "are kept."),
            ],
        },
    ];

    private ApiAnswer List(ApiCall call)
    {
        DateOnly day = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        if (call.Query.TryGetValue("day", out string? text)
            && !DownloadCount.TryParseDay(text, out day))
        {
            throw new ProblemException(HttpStatus.BadRequest,
                $"'day' is a day such as 2026-11-29, not '{Quote.Of(text)}'.");
        }
        DownloadView[] all = [.. downloads.Of(day).Select(one =>
            new DownloadView(one.Day, one.Name, one.Count, one.Bytes))];
        return ApiAnswer.Ok(Pages.Of(all, one => one.Name, call), ApiJson.Default.ListingDownloadView);
    }
}
