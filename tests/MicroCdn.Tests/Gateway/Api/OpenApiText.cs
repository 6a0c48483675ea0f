using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using System.Xml.Linq;
using MicroCdn.Gateway.Api;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Gateway.Api;

/// <summary>Describes the API (OpenAPI 3.1) from its table of routes, its records and their documentation.</summary>
internal sealed class OpenApiText(IReadOnlyList<ApiRoute> routes, string version)
{
    private static readonly JsonSerializerOptions Readable =
        new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly XDocument _words = XDocument.Load(
        Path.ChangeExtension(typeof(Overview).Assembly.Location, ".xml"));

    private readonly SortedDictionary<string, JsonNode> _schemas = new(StringComparer.Ordinal);

    /// <summary>The document.</summary>
    public string Write()
    {
        JsonObject paths = [];
        foreach (IGrouping<string, ApiRoute> path in routes.GroupBy(route => route.Path))
        {
            JsonObject item = [];
            foreach (ApiRoute route in path) item[route.Method.ToLowerInvariant()] = Operation(route);
            paths[path.Key] = item;
        }
        JsonObject document = new()
        {
            ["openapi"] = "3.1.1",
            ["info"] = new JsonObject
            {
                ["title"] = "MicroCDN admin API",
                ["version"] = version,
                ["description"] = "Shows the fleet of an index and steers it. Tokens, sessions and manners: "
                    + "docs/admin.md.",
            },
            ["servers"] = new JsonArray(new JsonObject { ["url"] = ApiRoute.Root }),
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["schemas"] = new JsonObject([.. Schemas()]),
                ["responses"] = new JsonObject { ["problem"] = ProblemResponse() },
                ["securitySchemes"] = new JsonObject
                {
                    ["token"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer" },
                },
            },
        };
        return document.ToJsonString(Readable) + "\n";
    }

    private IEnumerable<KeyValuePair<string, JsonNode?>> Schemas()
    {
        _schemas["Problem"] = JsonNode.Parse("""
            { "type": "object", "description": "Why something was not done (RFC 9457).", "properties": {
              "title": { "type": "string" }, "status": { "type": "integer" }, "detail": { "type": "string",
              "description": "One sentence: what was wrong, what is allowed, the likely right spelling." } } }
            """)!;
        return _schemas.Select(one => KeyValuePair.Create<string, JsonNode?>(one.Key, one.Value));
    }

    private JsonObject Operation(ApiRoute route)
    {
        JsonObject operation = new()
        {
            ["operationId"] = IdOf(route),
            ["summary"] = route.Summary,
            ["description"] = WhoMay(route),
            ["tags"] = new JsonArray(route.Parts[0]),
            ["security"] = route.Scopes == TokenScopes.None ? [] : new JsonArray(
                new JsonObject { ["token"] = new JsonArray() }),
        };
        if (Parameters(route) is { Count: > 0 } parameters) operation["parameters"] = parameters;
        if (route.Takes is { } takes)
        {
            operation["requestBody"] = new JsonObject { ["required"] = true, ["content"] = ContentOf(takes) };
        }
        if (route.Upload is not null)
        {
            operation["requestBody"] = new JsonObject
            {
                ["required"] = true, ["content"] = new JsonObject { ["application/octet-stream"] = new JsonObject() },
            };
        }
        operation["responses"] = Responses(route);
        return operation;
    }

    private static string WhoMay(ApiRoute route) => route.Scopes == TokenScopes.None ? "Needs no token."
        : $"Scopes: {TokenGrant.TextOf(route.Scopes)}{(route.Scopes == TokenScopes.Admin ? "." : " or admin.")}";

    private static JsonArray Parameters(ApiRoute route)
    {
        JsonArray parameters = [];
        foreach (string part in route.Parts.Where(part => part[0] == '{'))
        {
            parameters.Add(Parameter(part[1..^1], "path", true, null));
        }
        foreach (QueryKey key in route.Query)
        {
            parameters.Add(Parameter(key.Name, "query", key.IsRequired, key.Meaning));
        }
        if (route is { HasEntityTag: true, IsChange: true })
        {
            parameters.Add(Parameter("If-Match", "header", false, "The ETag that it must still have."));
        }
        if (route.Upload is not null)
        {
            parameters.Add(Parameter("Repr-Digest", "header", false,
                "The digest that the bytes must have: 'sha-256=:BASE64:'."));
        }
        if (route.Method == "POST" && route.Scopes != TokenScopes.None)
        {
            parameters.Add(Parameter("Idempotency-Key", "header", false,
                "With the same key it is done once within an hour."));
        }
        return parameters;
    }

    private static JsonObject Parameter(string name, string place, bool isRequired, string? meaning)
    {
        JsonObject parameter = new()
        {
            ["name"] = name, ["in"] = place, ["required"] = isRequired,
            ["schema"] = new JsonObject { ["type"] = "string" },
        };
        if (meaning is not null) parameter["description"] = meaning;
        return parameter;
    }

    private JsonObject Responses(ApiRoute route)
    {
        string meaning = route.Status switch
        {
            201 => "Made; Location says where it is.",
            202 => "Begun; Location, where there is one, tells how far it is.",
            204 => "Done.",
            _ => "OK.",
        };
        JsonObject response = new() { ["description"] = meaning };
        if (route.Gives is { } gives) response["content"] = ContentOf(gives);
        if (route.IsStream)
        {
            response["content"]!["text/event-stream"] = new JsonObject
            {
                ["schema"] = new JsonObject { ["type"] = "string" },
            };
        }
        return new JsonObject
        {
            [$"{route.Status}"] = response,
            ["default"] = new JsonObject { ["$ref"] = "#/components/responses/problem" },
        };
    }

    private static JsonObject ProblemResponse() => new()
    {
        ["description"] = "It was not done.",
        ["content"] = new JsonObject
        {
            ["application/problem+json"] = new JsonObject { ["schema"] = Reference("Problem") },
        },
    };

    private JsonObject ContentOf(JsonTypeInfo type) => new()
    {
        ["application/json"] = new JsonObject { ["schema"] = SchemaOf(type.Type) },
    };

    private JsonNode SchemaOf(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner) return WithNull(SchemaOf(inner));
        if (type == typeof(string)) return Simple("string");
        if (type == typeof(bool)) return Simple("boolean");
        if (type == typeof(int)) return Simple("integer", "int32");
        if (type == typeof(long)) return Simple("integer", "int64");
        if (type == typeof(double)) return Simple("number", "double");
        if (type == typeof(DateTimeOffset)) return Simple("string", "date-time");
        if (type == typeof(DateOnly)) return Simple("string", "date");
        Type[] arguments = type.IsGenericType ? type.GetGenericArguments() : [];
        if (type.Name.StartsWith("IReadOnlyDictionary", StringComparison.Ordinal))
        {
            return new JsonObject { ["type"] = "object", ["additionalProperties"] = SchemaOf(arguments[1]) };
        }
        if (type.Name.StartsWith("IReadOnlyList", StringComparison.Ordinal))
        {
            return new JsonObject { ["type"] = "array", ["items"] = SchemaOf(arguments[0]) };
        }
        string name = arguments.Length == 1 ? $"{type.Name.Split('`')[0]}Of{arguments[0].Name}" : type.Name;
        if (!_schemas.ContainsKey(name))
        {
            _schemas[name] = new JsonObject();
            _schemas[name] = RecordOf(type);
        }
        return Reference(name);
    }

    private JsonObject RecordOf(Type type)
    {
        Type open = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        XElement about = _words.Descendants("member")
            .First(member => (string)member.Attribute("name")! == $"T:{open.FullName}");
        JsonObject properties = [];
        JsonArray required = [];
        NullabilityInfoContext nullability = new();
        foreach (ParameterInfo one in type.GetConstructors()[0].GetParameters())
        {
            string name = JsonNamingPolicy.CamelCase.ConvertName(one.Name!);
            JsonNode schema = SchemaOf(one.ParameterType);
            bool isNullable = nullability.Create(one).WriteState == NullabilityState.Nullable;
            if (!one.ParameterType.IsValueType && isNullable) schema = WithNull(schema);
            string text = TextOf(about.Elements("param").First(param => (string)param.Attribute("name")! == one.Name));
            // Beside a reference nothing else is looked at by older tools.
            properties[name] = schema["$ref"] is null ? schema : new JsonObject { ["allOf"] = new JsonArray(schema) };
            properties[name]!["description"] = text;
            if (!one.HasDefaultValue) required.Add(name);
        }
        JsonObject record = new()
        {
            ["type"] = "object", ["description"] = TextOf(about.Element("summary")!), ["properties"] = properties,
        };
        if (required.Count > 0) record["required"] = required;
        return record;
    }

    private static JsonNode WithNull(JsonNode schema)
    {
        if (schema["$ref"] is not null)
        {
            return new JsonObject { ["anyOf"] = new JsonArray(schema, new JsonObject { ["type"] = "null" }) };
        }
        schema["type"] = new JsonArray(schema["type"]!.GetValue<string>(), "null");
        return schema;
    }

    private static JsonObject Simple(string type, string? format = null)
    {
        JsonObject schema = new() { ["type"] = type };
        if (format is not null) schema["format"] = format;
        return schema;
    }

    private static JsonObject Reference(string name) => new() { ["$ref"] = $"#/components/schemas/{name}" };

    private static string IdOf(ApiRoute route) => string.Concat(route.Parts
        .Select(part => part.Trim('{', '}')).Prepend(route.Method.ToLowerInvariant())
        .Select((part, at) => at == 0 ? part : char.ToUpperInvariant(part[0]) + part[1..]))
        .Replace(".", "", StringComparison.Ordinal);

    private static string TextOf(XElement element) => string.Join(' ', string.Concat(element.Nodes().Select(node =>
        node is XElement inner ? inner.Attribute("cref")?.Value.Split('.')[^1] ?? inner.Value : node.ToString()))
        .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
