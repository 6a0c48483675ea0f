using System.Buffers.Text;
using MicroCdn.Content.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content;

/// <summary>One client's connection to a content server: GET and RANGE with the bytes of a file, CHUNKS with the
/// digests of its chunks, STORE with bytes that are to be published.</summary>
internal sealed class ContentSession(ContentService service, IPeer peer) : ILineSession
{
    // Made by HELLO 2: who speaks version 1 says nothing that it would have to judge.
    private Guard? _guard;
    private Upload? _upload;

    public bool MayIdle => _guard is { } guard && guard.Role != PeerRole.None;

    public bool IsOver => _guard is { HasLapsed: true };

    public IncomingBytes? Incoming => _upload?.Incoming;

    public void End() => _upload?.Leave();

    public void Handle(ReadOnlySpan<byte> line, Answer answer)
    {
        if (line.StartsWith("GET "u8))
        {
            Send(new Words(line[4..]).Rest, FileDigest.None, 0, long.MaxValue, line, answer);
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
            _ when verb.SequenceEqual("RANGE"u8) && _guard is not null => HandleRange(words, line, answer),
            _ when verb.SequenceEqual("CHUNKS"u8) && _guard is not null => HandleChunks(words, line, answer),
            _ when verb.SequenceEqual("STORE"u8) && _guard is { } guard =>
                guard.Refuses(PeerRole.Operator | PeerRole.Content) ?? HandleStore(words, answer),
            _ when verb.SequenceEqual("AUTH"u8) && _guard is { } guard => guard.HandleAuth(words, answer),
            _ when verb.SequenceEqual("PING"u8) => HandlePing(words, answer),
            _ when verb.SequenceEqual("GET"u8) => WireErrors.Malformed,
            _ => WireErrors.UnknownCommand,
        };
        if (error is not null) Refuse(error, line, answer);
    }

    private WireError? HandleHello(Words words, Answer answer)
    {
        if (!Greeting.TryParse(words, out int version)) return WireErrors.UnknownCommand;
        if (version == 2) (_guard ??= service.NewGuard(peer)).Welcome(version, answer);
        else answer.Write(Greeting.Welcome(version));
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
        Send(message.Name, message.Digest, message.Offset, message.Length, line, answer);
        return null;
    }

    private WireError? HandleChunks(Words words, ReadOnlySpan<byte> line, Answer answer)
    {
        if (!ChunkRequest.TryParse(words, out ChunkRequest message)) return WireErrors.Malformed;
        Library library = service.Library;
        int number = library.Find(message.Name);
        bool isKnown;
        if (IsMeant(library, number, message.Digest)) isKnown = service.Chunks.TryWrite(library, number, answer);
        else if (service.Blobs?.Find(message.Digest) is { } blob)
        {
            Span<byte> name = stackalloc byte[line.Length];
            isKnown = service.Chunks.TryWrite(name[..PercentText.Decode(message.Name, name)], blob, answer);
        }
        else
        {
            answer.Write(WireErrors.FileNotFound.Line.Span);
            return null;
        }
        // Not counted as a complaint: a client asks early, and the digests come later.
        if (!isKnown) answer.Write(WireErrors.Unavailable.Line.Span);
        return null;
    }

    private WireError? HandleStore(Words words, Answer answer)
    {
        if (!StoreRequest.TryParse(words, out StoreRequest message)) return WireErrors.Malformed;
        if (service.Uploads is not { } uploads) return WireErrors.Unavailable;
        if (uploads.TryBegin(message, answer) is not { } upload) return WireErrors.Busy;
        _upload = upload;
        answer.Later();
        _ = Task.Run(upload.RunAsync);
        return null;
    }

    // True for the file when it is what a client means, as far as its digest is known: who says what it means verifies
    // what it gets.
    private static bool IsMeant(Library library, int number, FileDigest meant) => number >= 0
        && (meant.IsNone || !library.TryDigest(number, out ReadOnlySpan<byte> digest)
            || new FileDigest(digest) == meant);

    private void Send(ReadOnlySpan<byte> words, FileDigest meant, long offset, long length, ReadOnlySpan<byte> line,
        Answer answer)
    {
        Library library = service.Library;
        int number = library.Find(words);
        if (!IsMeant(library, number, meant))
        {
            SendBlob(meant, offset, length, line, answer);
            return;
        }
        // The state of the file is checked before its header leaves. Should it have changed, it is opened anew, once.
        OpenFailure failure = OpenFailure.Missing;
        for (int tries = 0; tries < 2; tries++)
        {
            if (service.OpenFiles.Take(library, number, anew: tries > 0, out failure) is not { } file) break;
            bool isOther = file.Facts != library.FactsOf(number);
            if (isOther) service.NoticeChange();
            // What it is now nobody knows; it is not what its digest was of.
            if (isOther && !meant.IsNone)
            {
                file.Release();
                break;
            }
            if (Send(file, offset, length, answer)) return;
            file.Release();
        }
        if (failure is OpenFailure.NoDescriptors or OpenFailure.Ended) Refuse(WireErrors.Unavailable, line, answer);
        else answer.Write(WireErrors.FileNotFound.Line.Span);
        if (number < Published.Bit) service.NoticeChange();
    }

    // By its digest: a revision that was replaced, or one that no name shows yet.
    private void SendBlob(FileDigest meant, long offset, long length, ReadOnlySpan<byte> line, Answer answer)
    {
        OpenFailure failure = OpenFailure.Missing;
        if (!meant.IsNone && service.Blobs?.Find(meant) is { } blob
            && service.OpenFiles.Take(blob, out failure) is { } file)
        {
            if (Send(file, offset, length, answer)) return;
            file.Release();
        }
        if (failure is OpenFailure.NoDescriptors or OpenFailure.Ended) Refuse(WireErrors.Unavailable, line, answer);
        else answer.Write(WireErrors.FileNotFound.Line.Span);
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
        return answer.SendFile(header[..(4 + digits)], file.ByLine, offset, length);
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

    /// <summary>Takes what is brought to be published; null where nothing can be.</summary>
    public Uploads? Uploads { get; init; }

    /// <summary>What was brought.</summary>
    public BlobKeeper? Blobs => Uploads?.Blobs;

    /// <summary>The keys by which peers prove themselves.</summary>
    public Credentials Credentials { get; init; } = Credentials.None;

    /// <summary>Where peers may bring something from without a key.</summary>
    public TrustedNetworks Trust { get; init; } = new([]);

    /// <summary>Asks for a scan: the folder is not as the library says.</summary>
    public void NoticeChange() => noticeChange();

    /// <summary>Judges what a peer brings.</summary>
    public Guard NewGuard(IPeer peer) => new(Credentials, Trust, peer, complaints);

    public ILineSession Open(IPeer peer) => new ContentSession(this, peer);
}
