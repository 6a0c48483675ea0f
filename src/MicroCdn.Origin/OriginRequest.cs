using MicroCdn.Protocol;

namespace MicroCdn.Origin;

/// <summary>What an origin is asked.</summary>
public sealed class OriginRequest
{
    /// <summary>The method, case-sensitive.</summary>
    public required ReadOnlyMemory<byte> Method { get; init; }

    /// <summary>The target in origin form (RFC 9112, section 3.2.1): path and query, or <c>*</c>. The origin's base
    /// path is put before it.</summary>
    public required ReadOnlyMemory<byte> Target { get; init; }

    /// <summary>The end-to-end fields. Host, Connection, Expect and whatever frames the body are written by this room,
    /// and left out here when they are among them.</summary>
    public HeaderFields Fields { get; init; } = HeaderFields.Empty;

    /// <summary>The body, or null.</summary>
    public OriginBody? Body { get; init; }

    /// <summary>Hears each interim head but 100 (RFC 9110, section 15.2), on the thread that reads.</summary>
    public Action<int, HeaderFields>? Informational { get; init; }

    internal bool IsHead => Method.Span.SequenceEqual("HEAD"u8);

    /// <summary>True when asking twice does no more than asking once (RFC 9110, section 9.2.2), and it can be said
    /// again.</summary>
    internal bool IsRepeatable => Body is null && Method.Span switch
    {
        var m when m.SequenceEqual("GET"u8) || m.SequenceEqual("HEAD"u8) => true,
        var m when m.SequenceEqual("OPTIONS"u8) || m.SequenceEqual("TRACE"u8) => true,
        var m => m.SequenceEqual("PUT"u8) || m.SequenceEqual("DELETE"u8),
    };
}

/// <summary>The body of a request, pulled as the origin takes it.</summary>
public abstract class OriginBody
{
    /// <summary>Its length in bytes; null when nobody knows: then it is sent in chunks.</summary>
    public abstract long? Length { get; }

    /// <summary>Gives the next bytes; 0 at its end. Whatever it throws ends the request.</summary>
    public abstract ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken);
}
