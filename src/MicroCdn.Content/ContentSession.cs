using System.Buffers.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content;

/// <summary>One client's connection to a content server: GET, and the bytes of the file.</summary>
internal sealed class ContentSession(ContentService service, IPeer peer) : ILineSession
{
    public void Handle(ReadOnlySpan<byte> line, Answer answer)
    {
        if (line.StartsWith("GET "u8)) HandleGet(new Words(line[4..]).Rest, line, answer);
        else if (line.StartsWith(" "u8)) Handle(line.TrimStart((byte)' '), answer);
        else if (line.StartsWith("HELLO"u8) && TryGreet(line, answer)) return;
        else if (line.TrimEnd((byte)' ').SequenceEqual("PING"u8)) answer.Write("PONG\n"u8);
        else Refuse(line.SequenceEqual("GET"u8) ? WireErrors.Malformed : WireErrors.UnknownCommand, line, answer);
    }

    private static bool TryGreet(ReadOnlySpan<byte> line, Answer answer)
    {
        Words words = new(line);
        words.Next(out ReadOnlySpan<byte> verb);
        if (!verb.SequenceEqual("HELLO"u8) || !Greeting.TryParse(words, out int version)) return false;
        answer.Write(Greeting.Welcome(version));
        return true;
    }

    private void HandleGet(ReadOnlySpan<byte> words, ReadOnlySpan<byte> line, Answer answer)
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
            if (Send(file, answer)) return;
            file.Release();
        }
        if (failure is OpenFailure.NoDescriptors or OpenFailure.Ended) Refuse(WireErrors.Unavailable, line, answer);
        else answer.Write(WireErrors.FileNotFound.Line.Span);
        service.NoticeChange();
    }

    private static bool Send(OpenFile file, Answer answer)
    {
        Span<byte> header = stackalloc byte[32];
        "OK "u8.CopyTo(header);
        Utf8Formatter.TryFormat(file.Facts.Size, header[3..], out int digits);
        header[3 + digits] = (byte)'\n';
        return answer.SendFile(header[..(4 + digits)], file, 0, file.Facts.Size);
    }

    private void Refuse(WireError error, ReadOnlySpan<byte> line, Answer answer)
    {
        service.Complaints.Add(peer, error, line);
        answer.Write(error.Line.Span);
    }
}

/// <summary>What all sessions of one content server share.</summary>
internal sealed class ContentService(Func<Library> library, OpenFiles openFiles, Complaints complaints,
    Action noticeChange)
    : ILineService
{
    public Library Library => library();

    public OpenFiles OpenFiles => openFiles;

    public Complaints Complaints => complaints;

    /// <summary>Asks for a scan: the folder is not as the library says.</summary>
    public void NoticeChange() => noticeChange();

    public ILineSession Open(IPeer peer) => new ContentSession(this, peer);
}
