using MicroCdn.Content.Publishing;
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
        return TryWrite(library.NameOf(number), library.FactsOf(number).Size, new FileDigest(digest),
            library.ChunkRootOf(number), answer);
    }

    /// <summary>The same for a blob that is asked for by its digest, under whatever name it was asked for.</summary>
    public bool TryWrite(ReadOnlySpan<byte> name, Blob blob, Answer answer) =>
        TryWrite(name, blob.Size, blob.Digest, blob.Root, answer);

    private bool TryWrite(ReadOnlySpan<byte> name, long size, FileDigest digest, FileDigest root, Answer answer)
    {
        bool follow = Chunks.FollowFromDigest(size);
        ChunkList? list = follow ? null : lists.Open(root, size);
        if (!follow && list is null)
        {
            miss(root);
            return false;
        }
        answer.Write("CHUNKS "u8);
        PercentText.Encode(name, answer);
        answer.Write(" "u8);
        answer.WriteNumber(size);
        answer.Write(" sha256="u8);
        digest.WriteHex(answer);
        answer.Write(" chunks="u8);
        root.WriteHex(answer);
        answer.Write("\n"u8);
        if (list is not null)
        {
            answer.SendList(list);
            return true;
        }
        if (size > 0)
        {
            digest.WriteHex(answer);
            answer.Write("\n"u8);
        }
        answer.Write("END\n"u8);
        return true;
    }
}
