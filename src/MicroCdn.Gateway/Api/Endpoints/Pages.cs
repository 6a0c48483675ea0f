using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;

namespace MicroCdn.Gateway.Api.Endpoints;

/// <summary>Cuts lists that are at hand into pages.</summary>
internal static class Pages
{
    /// <summary>The page that is wanted.</summary>
    /// <param name="items">All items.</param>
    /// <param name="keyOf">What tells one from all others.</param>
    /// <param name="call">Who wants it.</param>
    public static Listing<T> Of<T>(IReadOnlyList<T> items, Func<T, string> keyOf, ApiCall call)
    {
        int from = 0;
        if (call.Query.TryGetValue("after", out string? after))
        {
            while (from < items.Count && keyOf(items[from]) != after) from++;
            if (from++ == items.Count)
            {
                throw new ProblemException(HttpStatus.BadRequest,
                    $"'{Quote.Of(after)}', the 'next' of the page before, is not there any more: begin anew.");
            }
        }
        T[] page = [.. items.Skip(from).Take(call.Limit)];
        return new Listing<T>(page, from + page.Length < items.Count && page.Length > 0 ? keyOf(page[^1]) : null);
    }

    /// <summary>All of them.</summary>
    public static Listing<T> All<T>(IEnumerable<T> items) => new([.. items], null);
}
