using System.Text;
using CsCheck;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Support;

/// <summary>Random file names, with everything in them that a folder on Linux can hold.</summary>
internal static class Names
{
    private static readonly Gen<Rune> Runes = Gen.Frequency(
        (6, Gen.Int[0x20, 0x7E].Select(value => new Rune(value))),
        (2, Gen.OneOf(" ", "%", "/", ".", "%41", "+").Select(text => text.EnumerateRunes().First())),
        (1, Gen.Int[1, 0x1F].Select(value => new Rune(value))),
        (1, Gen.OneOf(0x7F, 0x85, 0xA0, 0x1680, 0x2003, 0x2028, 0x202F, 0x3000, 0xFEFF, 0xFFFD)
            .Select(v => new Rune(v))),
        (1, Gen.Int[0x80, 0x10FFFF].Where(Rune.IsValid).Select(value => new Rune(value))));

    /// <summary>Names that are allowed.</summary>
    public static Gen<string> Any { get; } = Runes.Array[1, 40]
        .Select(runes => string.Concat(runes.Select(rune => rune.ToString())))
        .Where(text => FileName.TryCreate(text, out _));

    public static FileName Of(string text)
    {
        Assert.True(FileName.TryCreate(text, out FileName name), $"'{text}' is no file name");
        return name;
    }

    public static ServerId Id(string text)
    {
        Assert.True(ServerId.TryCreate(text, out ServerId id), $"'{text}' is no server id");
        return id;
    }

    public static byte[] Utf8(this string text) => Encoding.UTF8.GetBytes(text);

    public static string Text(this ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);
}
