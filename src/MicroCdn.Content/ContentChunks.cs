using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Content;

/// <summary>Answers CHUNKS: the digests of a file's chunks, from wherever they are.</summary>
/// <param name="lists">The lists of files of more than one chunk.</param>
/// <param name="miss">Hears the root of a list that should be there and is not.</param>
internal sealed class ContentChunks(ChunkLists lists, Action<FileDigest> miss)
{
    /// <summary>Writes the answer; false, with nothing written, while the digests are not known.</summary>
    public bool TryWrite(Library library, int number, Answer answer)
    {
        if (!library.TryDigest(number, out ReadOnlySpan<byte> digest)) return false;
        long size = library.FactsOf(number).Size;
        FileDigest root = library.ChunkRootOf(number);
        if (Chunks.FollowFromDigest(size))
        {
            WriteHead(library, number, answer);
            if (size > 0)
            {
                new FileDigest(digest).WriteHex(answer);
                answer.Write("\n"u8);
            }
            answer.Write("END\n"u8);
            return true;
        }
        if (lists.Open(root, size) is not { } list)
        {
            miss(root);
            return false;
        }
        WriteHead(library, number, answer);
        answer.SendList(list);
        return true;
    }

    private static void WriteHead(Library library, int number, Answer answer)
    {
        library.TryDigest(number, out ReadOnlySpan<byte> digest);
        answer.Write("CHUNKS "u8);
        PercentText.Encode(library.NameOf(number), answer);
        answer.Write(" "u8);
        answer.WriteNumber(library.FactsOf(number).Size);
        answer.Write(" sha256="u8);
        new FileDigest(digest).WriteHex(answer);
        answer.Write(" chunks="u8);
        library.ChunkRootOf(number).WriteHex(answer);
        answer.Write("\n"u8);
    }
}
