using System.Text;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api;

/// <summary>Finds what a request is for among all that the API does.</summary>
internal sealed class ApiPaths(IReadOnlyList<ApiRoute> routes)
{
    // The longest path of all, with a name of a kilobyte that is percent-encoded.
    private const int MostPath = 4_096;

    // More than any route has.
    private const int MostKeys = 16;

    /// <summary>All routes.</summary>
    public IReadOnlyList<ApiRoute> All => routes;

    /// <summary>Finds a route.</summary>
    /// <param name="method">The method; HEAD is GET.</param>
    /// <param name="path">The path as it came, behind the root of the API.</param>
    /// <param name="values">The text in place of each part in braces.</param>
    /// <exception cref="ProblemException">There is none.</exception>
    public ApiRoute Find(string method, ReadOnlySpan<byte> path, out Dictionary<string, string> values)
    {
        values = [];
        string[] parts = path.Length is 0 or > MostPath || path[0] != '/' ? []
            : Encoding.UTF8.GetString(path[1..]).Split('/');
        List<string> allowed = [];
        foreach (ApiRoute route in routes)
        {
            if (!Fits(route, parts, out Dictionary<string, string> found)) continue;
            values = found;
            if (route.Method == method) return route;
            allowed.Add(route.Method);
        }
        if (allowed.Count > 0)
        {
            string methods = string.Join(", ", allowed.Distinct());
            throw new ProblemException(HttpStatus.MethodNotAllowed, $"Only {methods} here.", $"Allow: {methods}\r\n");
        }
        throw new ProblemException(HttpStatus.NotFound, NotFound(parts));
    }

    /// <summary>Reads what stands behind the question mark.</summary>
    /// <exception cref="ProblemException">A key is none of the route's, or stands there twice.</exception>
    public static Dictionary<string, string> ReadQuery(ApiRoute route, ReadOnlySpan<byte> query)
    {
        Dictionary<string, string> pairs = [];
        string[] known = [.. route.Query.Select(key => key.Name)];
        foreach (string pair in Encoding.UTF8.GetString(query)
            .Split('&', MostKeys, StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            string key = Decode(equals < 0 ? pair : pair[..equals]);
            string value = equals < 0 ? "" : Decode(pair[(equals + 1)..].Replace('+', ' '));
            if (!known.Contains(key)) throw Wrong(UnknownKey(key, known));
            if (!pairs.TryAdd(key, value)) throw Wrong($"'{key}' stands in the query twice.");
        }
        if (route.Query.FirstOrDefault(key => key.IsRequired && !pairs.ContainsKey(key.Name)) is { } missing)
        {
            throw Wrong($"'{missing.Name}' is missing in the query: {missing.Meaning}");
        }
        return pairs;
    }

    private static bool Fits(ApiRoute route, string[] parts, out Dictionary<string, string> values)
    {
        values = [];
        string[] pattern = route.Parts;
        if (parts.Length < pattern.Length || (parts.Length > pattern.Length && !route.IsOpen)) return false;
        for (int at = 0; at < pattern.Length; at++)
        {
            string part = at == pattern.Length - 1 ? string.Join('/', parts[at..]) : parts[at];
            if (pattern[at][0] != '{')
            {
                if (pattern[at] != part) return false;
            }
            else if (part.Length == 0) return false;
            else values[pattern[at][1..^1]] = Decode(part);
        }
        return true;
    }

    private string NotFound(string[] parts)
    {
        string path = $"{ApiRoute.Root}/{string.Join('/', parts)}";
        string? near = parts.Length == 0 ? null
            : NearWord.Of(parts[0], routes.Select(route => route.Parts[0]).Distinct());
        return $"There is no {Quote.Of(path)}"
            + (near is null || near == parts[0] ? $"; see {ApiRoute.Root}/openapi.json."
                : $"; did you mean {ApiRoute.Root}/{near}?");
    }

    private static string UnknownKey(string key, string[] known) => known.Length == 0
        ? $"Nothing may stand behind the question mark here, not '{Quote.Of(key)}'."
        : $"There is no '{Quote.Of(key)}' behind the question mark here, only {ApiBody.Sequence(known)}"
            + (NearWord.Of(key, known) is { } near ? $"; did you mean '{near}'?" : ".");

    private static string Decode(string text) => Uri.UnescapeDataString(text);

    private static ProblemException Wrong(string sentence) => new(HttpStatus.BadRequest, sentence);
}
