using MicroCdn.Http;

namespace MicroCdn.Edge;

/// <summary>Tells a load balancer that this process answers.</summary>
internal static class Health
{
    /// <summary>True for the names that ask; a library file of the same name wins.</summary>
    public static bool IsAsked(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("healthz"u8) || name.SequenceEqual("readyz"u8);

    /// <summary>Says so.</summary>
    public static void Answer(Response response) => response.Explain(HttpStatus.Ok, "ok");
}
