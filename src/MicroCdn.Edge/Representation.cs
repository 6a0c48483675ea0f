using MicroCdn.Content;
using MicroCdn.Network;

namespace MicroCdn.Edge;

/// <summary>What a response is about: bytes that are held for it, and the lines that describe them.</summary>
/// <param name="Source">The bytes; to be released once.</param>
/// <param name="Length">How many there are.</param>
/// <param name="Fields">The lines.</param>
internal readonly record struct Representation(IFileSource Source, long Length, FileFields Fields)
{
    /// <summary>The file as it is.</summary>
    public Representation(OpenFile file, FileFields fields) : this(file, file.Facts.Size, fields)
    {
    }
}
