using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Http;
using MicroCdn.Storage;

namespace MicroCdn.Edge.PullThrough;

/// <summary>An answer from a copy: everything is decided and its bytes are in hand, only the writing is left.</summary>
internal readonly struct CopyAnswer
{
    private readonly Copy _copy;
    private readonly StoredHead _head;
    private readonly Wanted _wanted;
    private readonly long _length;
    private readonly ReadOnlyMemory<byte> _memory;
    private readonly SharedFile? _file;
    private readonly int _bodyOffset;
    private readonly CacheStatus _status;
    private readonly long _age;

    private CopyAnswer(Copy copy, CopyRules rules, Wanted wanted, CacheStatus status, long age,
        ReadOnlyMemory<byte> memory, SharedFile? file)
    {
        (_copy, _head, _length, _bodyOffset) = (copy, rules.Head, copy.Length, copy.BodyOffset);
        (_wanted, _status, _age, _memory, _file) = (wanted, status, age, memory, file);
    }

    /// <summary>Takes hold of what an answer needs; null when the copy lacks bytes of it, or they are gone.</summary>
    /// <param name="store">Where the copy is: one whose file is short leaves it.</param>
    /// <param name="selection">The copy.</param>
    /// <param name="wanted">What of it.</param>
    /// <param name="status">How that is called.</param>
    /// <param name="now">Seconds since 1970.</param>
    /// <param name="mayWait">True where the disk may be waited for, to open a file: never on a loop.</param>
    public static CopyAnswer? Take(
        CacheStore store, Selection selection, in Wanted wanted, CacheStatus status, long now, bool mayWait)
    {
        (Copy copy, CopyRules rules) = (selection.Copy!, selection.Rules!);
        long age = rules.At(now).Age;
        if (wanted.Range.Length == 0) return new CopyAnswer(copy, rules, wanted, status, age, default, null);
        if (!copy.Present.Contains(wanted.Range)) return null;
        if (copy.TryMemory(wanted.Range.Offset, wanted.Range.Length, out ReadOnlyMemory<byte> memory))
        {
            return new CopyAnswer(copy, rules, wanted, status, age, memory, null);
        }
        SharedFile? file = mayWait ? copy.Open() : copy.HoldOpen();
        if (file is null) return null;
        if (CopyFile.Reaches(store, copy, file, copy.BodyOffset + wanted.Range.End))
        {
            return new CopyAnswer(copy, rules, wanted, status, age, default, file);
        }
        file.Release();
        return null;
    }

    /// <summary>Writes it.</summary>
    public void Write(Response response, OriginFront front)
    {
        AnswerHead.Begin(response, _head, _wanted, _length);
        response.Field("Age"u8, _age);
        AnswerHead.WriteStatus(response, _status, front.NameBytes);
        if (_wanted.Range.Length == 0) AnswerHead.EndEmpty(response, _head, _wanted, _length);
        else if (_file is null) response.EndWithMemory(_memory);
        else WriteFile(response, new CopyFile(front.Store, _copy, _file, front.Files));
    }

    private void WriteFile(Response response, CopyFile file)
    {
        if (!response.EndWithFile(file, _bodyOffset + _wanted.Range.Offset, _wanted.Range.Length))
        {
            // The disk failed between two moments, and the copy is gone.
            file.Release();
            response.Explain(HttpStatus.BadGateway, "The copy could not be read; try again.");
        }
    }

    /// <summary>Lets go of its bytes: nobody wants them any more.</summary>
    public void Release() => _file?.Release();
}
