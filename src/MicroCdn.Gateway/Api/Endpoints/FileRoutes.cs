using System.Net;
using System.Text;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api.Endpoints;

/// <summary>Files: which there are, who has them, and who gets a client.</summary>
internal sealed class FileRoutes(FileDirectory directory, Explaining explaining)
{
    // Of a process: each walks over all names, and two at once leave the rest of the processor to others.
    private static readonly SemaphoreSlim Turns = new(2);

    public IEnumerable<ApiRoute> All =>
    [
        new("GET", "/files", "Search files, in the order of their names", SearchAsync)
        {
            KnowsPrefixes = true, Gives = ApiJson.Default.ListingFileView,
            Query =
            [
                QueryKey.Limit, QueryKey.After,
                new("search", "Text that the name contains; small and capital letters of ASCII are the same."),
                new("prefix", "What the name begins with."),
                new("missing", "'true' for published files that miss copies alone."),
            ],
        },
        new("GET", "/files/{name}", "One file with its copies", call => Task.FromResult(Explain(call,
            call.Values["name"], call.From)))
        {
            KnowsPrefixes = true, Gives = ApiJson.Default.Explanation,
        },
        new("GET", "/explain", "Who gets a client, and why no other", call => Task.FromResult(Explain(call,
            call.Query["name"], FromOf(call))))
        {
            KnowsPrefixes = true, Gives = ApiJson.Default.Explanation,
            Query =
            [
                new("name", "The file, or a path that is pulled from an origin.", IsRequired: true),
                new("from", "The client's IP address; who asks when left out."),
            ],
        },
    ];

    private async Task<ApiAnswer> SearchAsync(ApiCall call)
    {
        string text = call.Query.GetValueOrDefault("search", ""), prefix = call.Query.GetValueOrDefault("prefix", "");
        string own = call.Grant?.Prefix ?? "";
        if (!prefix.StartsWith(own, StringComparison.Ordinal))
        {
            if (!own.StartsWith(prefix, StringComparison.Ordinal))
            {
                throw new ProblemException(HttpStatus.Forbidden,
                    $"This token is for names that begin with '{own}' alone.");
            }
            prefix = own;
        }
        bool isMissing = call.Query.GetValueOrDefault("missing", "false") switch
        {
            "true" => true,
            "false" => false,
            var other => throw new ProblemException(HttpStatus.BadRequest,
                $"'missing' is true or false, not '{Quote.Of(other)}'."),
        };
        FileSearch search = new(Encoding.UTF8.GetBytes(text), Encoding.UTF8.GetBytes(prefix),
            Encoding.UTF8.GetBytes(call.Query.GetValueOrDefault("after", "")), isMissing, call.Limit);
        await Turns.WaitAsync().ConfigureAwait(false);
        try
        {
            IReadOnlyList<FoundFile> found = directory.Search(search, out bool hasMore);
            return ApiAnswer.Ok(new Listing<FileView>([.. found.Select(ViewOf)],
                hasMore ? Encoding.UTF8.GetString(found[^1].Name) : null), ApiJson.Default.ListingFileView);
        }
        finally
        {
            Turns.Release();
        }
    }

    private ApiAnswer Explain(ApiCall call, string text, IPAddress from)
    {
        FileName name = call.NameOf(text);
        return explaining.Of(name, from, call.Reached) is { } explanation
            ? ApiAnswer.Ok(explanation, ApiJson.Default.Explanation)
            : throw new ProblemException(HttpStatus.NotFound,
                $"No server has '{Quote.Of(name.Value)}', and none pulls it from an origin.");
    }

    private static IPAddress FromOf(ApiCall call) => call.Query.GetValueOrDefault("from") is not { } text ? call.From
        : IPAddress.TryParse(text, out IPAddress? from) ? from
        : throw new ProblemException(HttpStatus.BadRequest,
            $"'from' is an IP address, such as 203.0.113.9, not '{Quote.Of(text)}'.");

    private static FileView ViewOf(FoundFile file) => new(Encoding.UTF8.GetString(file.Name),
        file.Size < 0 ? null : file.Size, file.Digest.IsNone ? null : file.Digest.ToString(),
        file.Revision > 0 ? file.Revision : null,
        file.UnixSeconds < 0 ? null : DateTimeOffset.FromUnixTimeSeconds(file.UnixSeconds), file.Copies,
        file.Revision > 0 ? file.Wanted : null);
}
