using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Http;
using MicroCdn.Storage;

namespace MicroCdn.Edge.PullThrough;

/// <summary>An answer from a copy: everything is decided and its bytes are in hand, only the writing is left.</summary>
internal readonly struct CopyAnswer
{
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
        (_head, _length, _bodyOffset) = (rules.Head, copy.Length, copy.BodyOffset);
        (_wanted, _status, _age, _memory, _file) = (wanted, status, age, memory, file);
    }

    /// <summary>Takes hold of what an answer needs; null when the copy lacks bytes of it, or they are gone.</summary>
    /// <param name="selection">The copy.</param>
    /// <param name="wanted">What of it.</param>
    /// <param name="status">How that is called.</param>
    /// <param name="now">Seconds since 1970.</param>
    /// <param name="mayWait">True where the disk may be waited for, to open a file: never on a loop.</param>
    public static CopyAnswer? Take(
        Selection selection, in Wanted wanted, CacheStatus status, long now, bool mayWait)
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
        return file is null ? null : new CopyAnswer(copy, rules, wanted, status, age, default, file);
    }

    /// <summary>Writes it.</summary>
    public void Write(Response response, PullThrough pull)
    {
        AnswerHead.Begin(response, _head, _wanted, _length);
        response.Field("Age"u8, _age);
        AnswerHead.WriteStatus(response, _status, pull.NameBytes);
        if (_wanted.Range.Length == 0) AnswerHead.EndEmpty(response, _head, _wanted, _length);
        else if (_file is null) response.EndWithMemory(_memory);
        else WriteFile(response, new CopyFile(_file, pull.Files));
    }

    private void WriteFile(Response response, CopyFile file)
    {
        if (!response.EndWithFile(file, _bodyOffset + _wanted.Range.Offset, _wanted.Range.Length))
        {
            // The disk failed between two moments: the next request finds that out by itself.
            file.Release();
            response.Explain(HttpStatus.BadGateway, "The copy could not be read; try again.");
        }
    }

    /// <summary>Lets go of its bytes: nobody wants them any more.</summary>
    public void Release() => _file?.Release();
}
