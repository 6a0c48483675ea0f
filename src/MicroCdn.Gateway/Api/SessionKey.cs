using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Gateway.Api;

/// <summary>The key by which sessions are made, in the index's state folder, so that a restart ends none.</summary>
internal static class SessionKey
{
    /// <summary>The file.</summary>
    public const string FileName = "session.key";

    private const int Bytes = 32;

    /// <summary>Reads it, or makes it.</summary>
    /// <exception cref="IOException">Neither is possible.</exception>
    /// <exception cref="UnauthorizedAccessException">Neither is allowed.</exception>
    public static byte[] Open(string folder, RandomBytes chance)
    {
        string path = Path.Combine(folder, FileName);
        byte[] key = new byte[Bytes];
        if (PlainFile.Is(path))
        {
            using Stream known = PlainFile.Open(path);
            if (known.Length == Bytes && known.ReadAtLeast(key, Bytes, throwOnEndOfStream: false) == Bytes) return key;
        }
        chance(key);
        using AtomicFile file = AtomicFile.CreatePrivate(path);
        file.Write(key);
        file.Commit();
        return key;
    }
}
