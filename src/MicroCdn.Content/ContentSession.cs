using System.Buffers.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content;

/// <summary>One client's connection to a content server: GET and RANGE with the bytes of a file, CHUNKS with the
/// digests of its chunks.</summary>
internal sealed class ContentSession(ContentService service, IPeer peer) : ILineSession
{
    private bool _speaks2;

    public void Handle(ReadOnlySpan<byte> line, Answer answer)
    {
        if (line.StartsWith("GET "u8))
        {
            Send(new Words(line[4..]).Rest, 0, long.MaxValue, line, answer);
            return;
        }
        if (line.StartsWith(" "u8))
        {
            Handle(line.TrimStart((byte)' '), answer);
            return;
        }
        Words words = new(line);
        words.Next(out ReadOnlySpan<byte> verb);
        WireError? error = verb switch
        {
            _ when verb.SequenceEqual("HELLO"u8) => HandleHello(words, answer),
            _ when verb.SequenceEqual("RANGE"u8) && _speaks2 => HandleRange(words, line, answer),
            _ when verb.SequenceEqual("CHUNKS"u8) && _speaks2 => HandleChunks(words, answer),
            _ when verb.SequenceEqual("PING"u8) => HandlePing(words, answer),
            _ when verb.SequenceEqual("GET"u8) => WireErrors.Malformed,
            _ => WireErrors.UnknownCommand,
        };
        if (error is not null) Refuse(error, line, answer);
    }

    private WireError? HandleHello(Words words, Answer answer)
    {
        if (!Greeting.TryParse(words, out int version)) return WireErrors.UnknownCommand;
        _speaks2 |= version == 2;
        answer.Write(Greeting.Welcome(version));
        return null;
    }

    // What a monitor asks whose tether has ended: any answer shows life.
    private static WireError? HandlePing(Words words, Answer answer)
    {
        if (!words.AtEnd) return WireErrors.Malformed;
        answer.Write("PONG\n"u8);
        return null;
    }

    private WireError? HandleRange(Words words, ReadOnlySpan<byte> line, Answer answer)
    {
        if (!RangeRequest.TryParse(words, out RangeRequest message)) return WireErrors.Malformed;
        Send(message.Name, message.Offset, message.Length, line, answer);
        return null;
    }

    private WireError? HandleChunks(Words words, Answer answer)
    {
        if (!ChunkRequest.TryParse(words, out ChunkRequest message)) return WireErrors.Malformed;
        Library library = service.Library;
        int number = library.Find(message.Name);
        if (number < 0) answer.Write(WireErrors.FileNotFound.Line.Span);
        // Not counted as a complaint: a client asks early, and the digests come later.
        else if (!service.Chunks.TryWrite(library, number, answer)) answer.Write(WireErrors.Unavailable.Line.Span);
        return null;
    }

    private void Send(
        ReadOnlySpan<byte> words, long offset, long length, ReadOnlySpan<byte> line, Answer answer)
    {
        Library library = service.Library;
        int number = library.Find(words);
        if (number < 0)
        {
            answer.Write(WireErrors.FileNotFound.Line.Span);
            return;
        }
        // The state of the file is checked before its header leaves. Should it have changed, it is opened anew, once.
        OpenFailure failure = OpenFailure.Missing;
        for (int tries = 0; tries < 2; tries++)
        {
            if (service.OpenFiles.Take(library, number, anew: tries > 0, out failure) is not { } file) break;
            if (file.Facts != library.FactsOf(number)) service.NoticeChange();
            if (Send(file, offset, length, answer)) return;
            file.Release();
        }
        if (failure is OpenFailure.NoDescriptors or OpenFailure.Ended) Refuse(WireErrors.Unavailable, line, answer);
        else answer.Write(WireErrors.FileNotFound.Line.Span);
        service.NoticeChange();
    }

    private static bool Send(OpenFile file, long offset, long length, Answer answer)
    {
        if (offset > file.Facts.Size)
        {
            answer.Write(WireErrors.OutOfRange.Line.Span);
            file.Release();
            return true;
        }
        length = Math.Min(length, file.Facts.Size - offset);
        Span<byte> header = stackalloc byte[32];
        "OK "u8.CopyTo(header);
        Utf8Formatter.TryFormat(length, header[3..], out int digits);
        header[3 + digits] = (byte)'\n';
        return answer.SendFile(header[..(4 + digits)], file, offset, length);
    }

    private void Refuse(WireError error, ReadOnlySpan<byte> line, Answer answer)
    {
        service.Complaints.Add(peer, error, line);
        answer.Write(error.Line.Span);
    }
}

/// <summary>What all sessions of one content server share.</summary>
internal sealed class ContentService(Func<Library> library, OpenFiles openFiles, ContentChunks chunks,
    Complaints complaints, Action noticeChange)
    : ILineService
{
    public Library Library => library();

    public OpenFiles OpenFiles => openFiles;

    public ContentChunks Chunks => chunks;

    public Complaints Complaints => complaints;

    /// <summary>Asks for a scan: the folder is not as the library says.</summary>
    public void NoticeChange() => noticeChange();

    public ILineSession Open(IPeer peer) => new ContentSession(this, peer);
}
