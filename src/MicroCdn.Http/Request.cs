using System.Runtime.CompilerServices;
using MicroCdn.Protocol;

namespace MicroCdn.Http;

/// <summary>The methods that are answered here.</summary>
public enum Method
{
    /// <summary>Any other; <see cref="Request.MethodName"/> tells which.</summary>
    Other,

    /// <summary>The representation.</summary>
    Get,

    /// <summary>Its head alone.</summary>
    Head,

    /// <summary>What may be asked (CORS).</summary>
    Options,

    /// <summary>Tells something; answered by 405 where no handler takes it.</summary>
    Post,
}

/// <summary>The fields that some handler looks at; every other one is checked for its form and passed over.</summary>
public enum Field
{
    /// <summary>None of these.</summary>
    None,
#pragma warning disable CS1591 // Each is the field of the same name (RFC 9110, section 18.4).
    Host,
    Connection,
    ContentLength,
    TransferEncoding,
    Accept,
    AcceptEncoding,
    Range,
    IfRange,
    IfMatch,
    IfNoneMatch,
    IfModifiedSince,
    IfUnmodifiedSince,
    WantReprDigest,
    Origin,
    Expect,
    XForwardedFor,
    Referer,
    UserAgent,
#pragma warning restore CS1591
}

/// <summary>One request head, as a view on the bytes it was read from.</summary>
public ref struct Request
{
    private ReadOnlySpan<byte> _bytes;
    private FieldPlaces _places;
    private byte[]? _joined;

    /// <summary>The method.</summary>
    public Method Method { get; internal set; }

    /// <summary>The method as it came.</summary>
    public ReadOnlySpan<byte> MethodName { get; internal set; }

    /// <summary>Path and query as they came, with the question mark, be it that nothing follows it.</summary>
    public ReadOnlySpan<byte> Target { get; internal set; }

    /// <summary>Host and perhaps port that the client asked: from the target, or Host; empty when an old client said
    /// neither.</summary>
    public ReadOnlySpan<byte> Authority { get; internal set; }

    /// <summary>The length of the body: 0 when there is none, -1 when it is told only by its end.</summary>
    public long BodyLength { get; internal set; }

    /// <summary>The path of the target as it came, still percent-encoded; it starts with a slash, or is
    /// <c>*</c>.</summary>
    public ReadOnlySpan<byte> Path { get; internal set; }

    /// <summary>What follows the question mark, or empty.</summary>
    public ReadOnlySpan<byte> Query { get; internal set; }

    /// <summary>True when the connection goes on after the answer.</summary>
    public bool KeepsAlive { get; internal set; }

    /// <summary>True for HTTP/1.0, whose clients know no chunks and no persistent connections.</summary>
    public bool IsOld { get; internal set; }

    /// <summary>The value of a field without the spaces around it, empty when absent; the values of repeated lines are
    /// joined by commas (RFC 9110, section 5.3).</summary>
    public readonly ReadOnlySpan<byte> this[Field field]
    {
        get
        {
            (int start, int length) = _places[(int)field];
            return start < 0 ? _joined.AsSpan(~start, length) : _bytes.Slice(start, length);
        }
    }

    /// <summary>True when the field is there, be it empty.</summary>
    public readonly bool Has(Field field) => _places[(int)field].Start != 0;

    /// <summary>All fields as they came, as a view that is good as long as the request is.</summary>
    public readonly RequestLines Lines => new(_bytes[(_bytes.IndexOf((byte)'\n') + 1)..]);

    /// <summary>All fields as they came.</summary>
    public readonly HeaderFields ToFields() =>
        HeaderFields.FromLines(_bytes[(_bytes.IndexOf((byte)'\n') + 1)..]);

    /// <summary>Takes over the body: it must be read, or disposed. Only while the request is handled; null when there
    /// is none.</summary>
    public readonly RequestBody? TakeBody() => Body?.Taken();

    // The body that may be taken: there is one, and the handler said that it wants it.
    internal RequestBody? Body { get; set; }

    // True for HTTP/2, which has frames of its own around bodies.
    internal bool IsFramed { get; set; }

    internal readonly bool ExpectsContinue => !IsOld
        && System.Text.Ascii.EqualsIgnoreCase(this[Field.Expect], "100-continue"u8);

    /// <summary>The head as it came, to be read again by <see cref="RequestParser"/> when an answer is given
    /// later.</summary>
    public readonly byte[] ToArray() => [.. _bytes, (byte)'\r', (byte)'\n'];

    internal void Begin(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    internal void Add(Field field, int start, int length)
    {
        if (Has(field)) Join(field, _bytes.Slice(start, length));
        else _places[(int)field] = (start, length);
    }

    private void Join(Field field, ReadOnlySpan<byte> more)
    {
        byte[] joined = [.. _joined ?? [], .. this[field], (byte)',', (byte)' ', .. more];
        int start = _joined?.Length ?? 0;
        _joined = joined;
        _places[(int)field] = (~start, joined.Length - start);
    }

    [InlineArray((int)Field.UserAgent + 1)]
    private struct FieldPlaces
    {
        private (int Start, int Length) _first;
    }
}
