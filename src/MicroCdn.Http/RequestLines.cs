using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Http;

/// <summary>The fields of a request, looked up in the bytes that came: no copy is made of them.</summary>
public readonly ref struct RequestLines : IFields
{
    private readonly ReadOnlySpan<byte> _lines;

    // Lines that RequestParser found sound.
    internal RequestLines(ReadOnlySpan<byte> lines) => _lines = lines;

    /// <inheritdoc/>
    public bool Has(ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> rest = _lines;
        return Next(ref rest, name, out _);
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> Joined(ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> rest = _lines;
        if (!Next(ref rest, name, out ReadOnlySpan<byte> first)) return default;
        byte[]? all = null;
        while (Next(ref rest, name, out ReadOnlySpan<byte> more))
        {
            all = all is null ? [.. first, .. ", "u8, .. more] : [.. all, .. ", "u8, .. more];
        }
        return all is null ? first : all;
    }

    private static bool Next(
        scoped ref ReadOnlySpan<byte> rest, scoped ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        while (!rest.IsEmpty)
        {
            ReadOnlySpan<byte> line = rest[..rest.IndexOf((byte)'\r')];
            rest = rest[(line.Length + 2)..];
            if (line.Length <= name.Length || line[name.Length] != ':') continue;
            if (!Ascii.EqualsIgnoreCase(line[..name.Length], name)) continue;
            value = line[(name.Length + 1)..].Trim(" \t"u8);
            return true;
        }
        value = default;
        return false;
    }
}
