using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api;

/// <summary>Reads the body of a request, and says in one sentence what is wrong with it.</summary>
internal static class ApiBody
{
    /// <summary>The longest body: wishes are short.</summary>
    public const int Most = 64 * 1024;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    /// <summary>Reads it.</summary>
    /// <exception cref="ProblemException">It is something else.</exception>
    public static T Read<T>(byte[] body, JsonTypeInfo<T> type)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body, Strict);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw Wrong("The body must be a JSON object.");
            string[] known = [.. type.Properties.Select(property => property.Name)];
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (known.Contains(property.Name)) continue;
                string near = NearWord.Of(property.Name, known) is { } word ? $"; did you mean '{word}'?" : ".";
                throw Wrong($"There is no key '{Quote.Of(property.Name)}' here, only {Sequence(known)}{near}");
            }
            return document.RootElement.Deserialize(type) ?? throw Wrong("The body must be a JSON object.");
        }
        catch (InvalidOperationException)
        {
            throw Wrong("Some text in the body is no Unicode.");
        }
        catch (JsonException exception) when (exception.Path is { Length: > 2 } path)
        {
            JsonPropertyInfo? property = type.Properties.FirstOrDefault(one => path.StartsWith($"$.{one.Name}"));
            throw Wrong($"'{path[2..]}' must be {(property is null ? "something else" : NameOf(property))}.");
        }
        catch (JsonException exception)
        {
            string[] needed = [.. type.Properties.Where(one => one.IsRequired).Select(one => one.Name)];
            string why = exception.Message.Contains("missing required", StringComparison.Ordinal)
                ? $"Of {Sequence(needed)} one is missing."
                : body.Length == 0 ? "A body is missing: a JSON object."
                : exception.LineNumber is { } line
                    ? $"The body is no JSON (line {line + 1}, byte {exception.BytePositionInLine})."
                    : "A key stands in the body twice.";
            throw Wrong(why);
        }
    }

    /// <summary>Words with quotes, and commas between.</summary>
    public static string Sequence(IEnumerable<string> words) => string.Join(", ", words.Select(word => $"'{word}'"));

    private static string NameOf(JsonPropertyInfo property)
    {
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        return type == typeof(string) ? "text" : type == typeof(bool) ? "true or false"
            : type == typeof(int) || type == typeof(long) ? "a whole number" : "a list of texts";
    }

    private static ProblemException Wrong(string sentence) => new(HttpStatus.BadRequest, sentence);
}
