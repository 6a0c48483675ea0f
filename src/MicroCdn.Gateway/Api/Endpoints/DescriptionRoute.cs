using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api.Endpoints;

/// <summary>Gives the description of the API, which a test has made of the same routes.</summary>
internal static class DescriptionRoute
{
    /// <summary>The route.</summary>
    public static ApiRoute Of()
    {
        byte[] description = Read();
        return new ApiRoute("GET", "/openapi.json", "This description (OpenAPI 3.1)",
            _ => Task.FromResult(new ApiAnswer(HttpStatus.Ok, description))) { Scopes = TokenScopes.None };
    }

    private static byte[] Read()
    {
        using Stream kept = typeof(DescriptionRoute).Assembly.GetManifestResourceStream("openapi.json")!;
        byte[] description = new byte[kept.Length];
        kept.ReadExactly(description);
        return description;
    }
}
