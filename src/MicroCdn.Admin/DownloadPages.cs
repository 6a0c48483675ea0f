using System.Text;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Admin;

/// <summary>Shows what a content server counted of downloads: <c>/downloads?day=YYYY-MM-DD</c>, as CSV (RFC
/// 4180).</summary>
internal sealed class DownloadPages(IEnumerable<IDownloadCounts> roles, TimeProvider time)
{
    private readonly IDownloadCounts[] _roles = [.. roles];

    /// <summary>True for the path that is answered here.</summary>
    public bool IsFor(ReadOnlySpan<byte> path) => _roles.Length > 0 && path.SequenceEqual("/downloads"u8);

    /// <summary>Answers; without a day that of now.</summary>
    public void Answer(in Request request, Response response)
    {
        DateOnly day = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        string query = Encoding.UTF8.GetString(request.Query);
        bool isDay = query.Length == 0 || (query.StartsWith("day=", StringComparison.Ordinal)
            && DownloadCount.TryParseDay(query[4..], out day));
        if (!isDay)
        {
            response.Explain(HttpStatus.BadRequest, "Ask for a day (UTC) as in /downloads?day=2026-11-29.");
            return;
        }
        StringBuilder page = new("name,count,bytes\r\n");
        foreach (DownloadRow row in _roles.SelectMany(role => role.Downloads(day)))
        {
            page.Append('"').Append(row.Name.Replace("\"", "\"\"", StringComparison.Ordinal)).Append("\",")
                .Append(row.Count).Append(',').Append(row.Bytes).Append("\r\n");
        }
        response.Begin(HttpStatus.Ok);
        response.Field("Content-Type"u8, "text/csv; charset=utf-8; header=present"u8);
        response.Field("X-Content-Type-Options"u8, "nosniff"u8);
        response.Field("Cache-Control"u8, "no-store"u8);
        response.EndWithMemory(Encoding.UTF8.GetBytes(page.ToString()));
    }
}
