using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace MicroCdn.Gateway.Page;

/// <summary>A file of the page, as it is and compressed.</summary>
/// <remarks>
/// It is compressed when it is asked for first: most indexes are started more often than looked at. Of our own scripts
/// what is for their readers, indentation and lines of comments, stays in the repository: it was a tenth of what is
/// sent.
/// </remarks>
internal sealed class StaticFile
{
    private readonly Lazy<byte[]> _packed;

    private StaticFile(byte[] plain, byte[] type)
    {
        (Plain, Type) = (plain, type);
        string digest = Convert.ToHexStringLower(SHA256.HashData(plain).AsSpan(0, 16));
        PlainTag = Encoding.ASCII.GetBytes($"\"{digest}\"");
        PackedTag = Encoding.ASCII.GetBytes($"\"{digest}-gzip\"");
        _packed = new Lazy<byte[]>(() => Pack(Plain));
    }

    /// <summary>Its bytes.</summary>
    public byte[] Plain { get; }

    /// <summary>Its bytes under gzip.</summary>
    public byte[] Packed => _packed.Value;

    /// <summary>The entity tag of its bytes.</summary>
    public byte[] PlainTag { get; }

    /// <summary>The entity tag of its compressed bytes.</summary>
    public byte[] PackedTag { get; }

    /// <summary>Its media type.</summary>
    public byte[] Type { get; }

    /// <summary>One that is part of this program.</summary>
    public static StaticFile Embedded(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        bool isOurScript = name.EndsWith(".js", StringComparison.Ordinal)
            && !name.Contains("/vendor/", StringComparison.Ordinal);
        return new StaticFile(isOurScript ? Trim(bytes) : bytes, TypeOf(name));
    }

    private static byte[] Trim(byte[] script)
    {
        StringBuilder trimmed = new(script.Length);
        foreach (string line in Encoding.UTF8.GetString(script).Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.Length > 0 && !line.StartsWith("//", StringComparison.Ordinal)) trimmed.Append(line).Append('\n');
        }
        return Encoding.UTF8.GetBytes(trimmed.ToString());
    }

    private static byte[] TypeOf(string name) => Encoding.ASCII.GetBytes(Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    });

    private static byte[] Pack(byte[] plain)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.SmallestSize)) gzip.Write(plain);
        return packed.ToArray();
    }
}
