using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MicroCdn.Gateway.Admin;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api;

/// <summary>A request to the API, read and allowed.</summary>
internal sealed class ApiCall
{
    /// <summary>The most items of one page.</summary>
    public const int MostItems = 1_000;

    private const int UsualItems = 100;

    /// <summary>What it is for.</summary>
    public required ApiRoute Route { get; init; }

    /// <summary>The text in place of each part in braces.</summary>
    public required IReadOnlyDictionary<string, string> Values { get; init; }

    /// <summary>What stands behind the question mark.</summary>
    public required IReadOnlyDictionary<string, string> Query { get; init; }

    /// <summary>Who comes; null where no token is needed.</summary>
    public TokenGrant? Grant { get; init; }

    /// <summary>When the session ends by which it comes; null for one with a token.</summary>
    public DateTimeOffset? Ends { get; init; }

    /// <summary>From where.</summary>
    public required IPAddress From { get; init; }

    /// <summary>The address that it came to.</summary>
    public required IPAddress Reached { get; init; }

    /// <summary>The session's cookie; null without one.</summary>
    public string? Cookie { get; init; }

    /// <summary><c>If-Match</c>, empty when absent.</summary>
    public string IfMatch { get; init; } = "";

    /// <summary><c>Last-Event-ID</c>, empty when absent.</summary>
    public string LastEvent { get; init; } = "";

    /// <summary><c>Accept</c>, empty when absent.</summary>
    public string Accept { get; init; } = "";

    /// <summary>The path with its values, below the root of the API.</summary>
    public string Place => Values.Aggregate(Route.Path,
        (path, one) => path.Replace($"{{{one.Key}}}", one.Value, StringComparison.Ordinal));

    /// <summary>What is done, for the audit log.</summary>
    public string Action => $"{Route.Method} {Place}";

    /// <summary>The body.</summary>
    public byte[] Body { get; set; } = [];

    /// <summary>How many items are wanted.</summary>
    /// <exception cref="ProblemException">It is none.</exception>
    public int Limit => Number("limit", UsualItems, 1, MostItems);

    /// <summary>A number behind the question mark.</summary>
    /// <exception cref="ProblemException">It is none.</exception>
    public int Number(string key, int usual, int least, int most)
    {
        if (!Query.TryGetValue(key, out string? text)) return usual;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number >= least && number <= most ? number
            : throw new ProblemException(HttpStatus.BadRequest, string.Create(CultureInfo.InvariantCulture,
                $"'{key}' is a number from {least} to {most}, not '{Quote.Of(text)}'."));
    }

    /// <summary>The value of a part in braces, as a server's id.</summary>
    /// <exception cref="ProblemException">It is none.</exception>
    public ServerId Server => ServerId.TryCreate(Values["id"], out ServerId id) ? id
        : throw new ProblemException(HttpStatus.BadRequest,
            $"'{Quote.Of(Values["id"])}' is no server's id: one word of at most 64 bytes.");

    /// <summary>The value of a part in braces, as a file's name.</summary>
    /// <exception cref="ProblemException">It is none, or the token is not for it.</exception>
    public FileName NameOf(string text)
    {
        if (!FileName.TryCreate(text, out FileName name))
        {
            throw new ProblemException(HttpStatus.BadRequest, $"'{Quote.Of(text)}' is no file's name: a relative "
                + "path without '..', empty parts or control characters, at most 1,024 bytes.");
        }
        if (Grant?.Allows(Route.Scopes, Encoding.UTF8.GetBytes(text)) == false)
        {
            throw new ProblemException(HttpStatus.Forbidden,
                $"This token is for names that begin with '{Grant.Prefix}' alone.");
        }
        return name;
    }

    /// <summary>The body as what the route takes.</summary>
    /// <exception cref="ProblemException">It is something else.</exception>
    public T Read<T>(JsonTypeInfo<T> type) => ApiBody.Read(Body, type);
}

/// <summary>What the API answers.</summary>
/// <param name="Status">The status.</param>
/// <param name="Body">The body; null for none.</param>
/// <param name="Fields">Further fields, each with its CR LF.</param>
internal sealed record ApiAnswer(HttpStatus Status, byte[]? Body, string Fields = "")
{
    /// <summary>What came of it in words, for the audit log.</summary>
    public string Detail { get; init; } = "";

    /// <summary>The id of the token that was shown where none was needed.</summary>
    public string By { get; init; } = "";

    /// <summary>Takes the response over, for a stream; the rest is not written.</summary>
    public Action<Response>? Stream { get; init; }

    /// <summary>200 with a value.</summary>
    public static ApiAnswer Ok<T>(T value, JsonTypeInfo<T> type, string fields = "") =>
        new(HttpStatus.Ok, JsonSerializer.SerializeToUtf8Bytes(value, type), fields);

    /// <summary>201 with a value.</summary>
    public static ApiAnswer Made<T>(T value, JsonTypeInfo<T> type, string place) =>
        new(HttpStatus.Created, JsonSerializer.SerializeToUtf8Bytes(value, type), LocationOf(place));

    /// <summary>202: it goes on, and a place tells how far it is.</summary>
    public static ApiAnswer Begun<T>(T value, JsonTypeInfo<T> type, string place) =>
        new(HttpStatus.Accepted, JsonSerializer.SerializeToUtf8Bytes(value, type), LocationOf(place));

    /// <summary>204.</summary>
    public static ApiAnswer Done(string detail = "") => new(HttpStatus.NoContent, null) { Detail = detail };

    /// <summary>The field that names a place below the API.</summary>
    public static string LocationOf(string place) => $"Location: {ApiRoute.Root}{place}\r\n";

    /// <summary>The field of an entity tag, which has its quotes already.</summary>
    public static string FieldOf(string etag) => $"ETag: {etag}\r\n";

    /// <summary>Answers with it.</summary>
    public void Write(Response response)
    {
        if (Stream is { } stream)
        {
            stream(response);
            return;
        }
        response.Begin(Status);
        response.Fields(Encoding.ASCII.GetBytes(Fields));
        response.Fields("Cache-Control: no-store\r\n"u8);
        if (Body is null)
        {
            // Only a 204 says by itself that nothing follows.
            if (Status == HttpStatus.NoContent) response.EndEmpty();
            else response.EndEmpty(0);
            return;
        }
        response.Fields("Content-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n"u8);
        response.EndWithMemory(Body);
    }
}

/// <summary>Says why something is not done, to who asked for it.</summary>
internal sealed class ProblemException(HttpStatus status, string detail, string fields = "") : Exception(detail)
{
    /// <summary>The answer.</summary>
    public Problem Problem { get; } = new(status, detail, fields);
}

/// <summary>Words of others in sentences.</summary>
internal static class Quote
{
    /// <summary>A word that somebody wrote, short enough for a sentence.</summary>
    public static string Of(string text) => text.Length <= 80 ? text : $"{text[..60]}...";
}
