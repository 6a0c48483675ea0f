using System.Buffers;
using System.Buffers.Text;
using System.Net;
using System.Text;

namespace MicroCdn.Http.Exchanges;

/// <summary>Puts one line of a log together: words, numbers, and what strangers wrote so that it stays in its
/// place.</summary>
/// <param name="target">Room for all of it.</param>
internal ref struct LineText(Span<byte> target)
{
    // What needs no escape in either form: visible ASCII and spaces, but quotes and backslashes.
    private static readonly SearchValues<byte> Plain = SearchValues.Create(
        [.. Enumerable.Range(' ', '~' - ' ' + 1).Select(b => (byte)b).Where(b => b is not ((byte)'"' or (byte)'\\'))]);

    private readonly Span<byte> _target = target;

    /// <summary>How much was written.</summary>
    public int Length { get; private set; }

    public void Add(scoped ReadOnlySpan<byte> text)
    {
        text.CopyTo(_target[Length..]);
        Length += text.Length;
    }

    public void Add(long number)
    {
        Utf8Formatter.TryFormat(number, _target[Length..], out int written);
        Length += written;
    }

    public void Add(IPAddress address)
    {
        address.TryFormat(_target[Length..], out int written);
        Length += written;
    }

    /// <summary>Adds seconds with six digits behind the point.</summary>
    public void Add(TimeSpan time)
    {
        long microseconds = Math.Max(0, time.Ticks / TimeSpan.TicksPerMicrosecond);
        Add(microseconds / 1_000_000);
        Add("."u8);
        Utf8Formatter.TryFormat(microseconds % 1_000_000, _target[Length..], out int written, new('D', 6));
        Length += written;
    }

    /// <summary>Adds what a stranger wrote: what is not plain as <c>\x</c> and two digits, as nginx does.</summary>
    public void AddEscaped(scoped ReadOnlySpan<byte> text)
    {
        for (int end; (end = text.IndexOfAnyExcept(Plain)) >= 0; text = text[(end + 1)..])
        {
            Add(text[..end]);
            Add("\\x"u8);
            Utf8Formatter.TryFormat(text[end], _target[Length..], out int written, new('X', 2));
            Length += written;
        }
        Add(text);
    }

    /// <summary>Adds what a stranger wrote as it stands in a string of JSON: what is no UTF-8 becomes U+FFFD.</summary>
    public void AddJson(scoped ReadOnlySpan<byte> text)
    {
        for (int end; (end = text.IndexOfAnyExcept(Plain)) >= 0;)
        {
            Add(text[..end]);
            text = text[end..];
            OperationStatus status = Rune.DecodeFromUtf8(text, out Rune rune, out int length);
            if (status != OperationStatus.Done) Add("\uFFFD"u8);
            else if (rune.Value > 0x7F) Add(text[..length]);
            else AddEscape(text[0]);
            text = text[length..];
        }
        Add(text);
    }

    private void AddEscape(byte value)
    {
        if (value is (byte)'"' or (byte)'\\')
        {
            Add("\\"u8);
            Add([value]);
            return;
        }
        Add("\\u00"u8);
        Utf8Formatter.TryFormat(value, _target[Length..], out int written, new('X', 2));
        Length += written;
    }
}
