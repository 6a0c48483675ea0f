using System.Text;
using MicroCdn.Network;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Support;

/// <summary>Drives a conversation as a socket would, over a wire whose peer takes as many bytes as it is told
/// to.</summary>
internal sealed class Wire
{
    private readonly MemoryStream _sent = new();
    private long _told;

    public Wire(IConversations service, IPeer? peer = null) => Conversation =
        service.Begin(peer ?? Peer.Loopback, new Answer(new BufferPool(), () => Completions++), Now);

    public Conversation Conversation { get; }

    public Answer Answer => Conversation.Answer;

    /// <summary>The conversation's clock, in milliseconds.</summary>
    public long Now { get; set; } = 1_000_000;

    /// <summary>How many bytes the peer still takes.</summary>
    public long Window { get; set; } = long.MaxValue;

    /// <summary>How often a postponed answer asked for a turn.</summary>
    public int Completions { get; private set; }

    public byte[] SentBytes => _sent.ToArray();

    /// <summary>What was sent behind the first bytes.</summary>
    public ReadOnlySpan<byte> SentSince(int bytes) => _sent.GetBuffer().AsSpan(bytes, (int)_sent.Length - bytes);

    public string Sent => Encoding.UTF8.GetString(SentBytes);

    public long SentLength => _sent.Length;

    /// <summary>Bytes arrive, and whatever can be answered is.</summary>
    public Wire Receive(ReadOnlySpan<byte> bytes)
    {
        Conversation.Receive(bytes, Now);
        return Turn();
    }

    public Wire Receive(string text) => Receive(Encoding.UTF8.GetBytes(text));

    /// <summary>Sends what can be sent.</summary>
    public Wire Turn()
    {
        do Conversation.Continue(Now);
        while (Window > 0 && SendSome());
        return this;
    }

    /// <summary>What was sent since the last call.</summary>
    public string Take()
    {
        string news = Encoding.UTF8.GetString(_sent.GetBuffer(), (int)_told, (int)(_sent.Length - _told));
        _told = _sent.Length;
        return news;
    }

    private bool SendSome()
    {
        if (Answer.HasText)
        {
            int count = (int)Math.Min(Answer.Unsent.Length, Window);
            _sent.Write(Answer.Unsent[..count]);
            Window -= count;
            Answer.TextSent(count);
            Conversation.Progress(count, Now);
            return true;
        }
        if (Answer.File is not { } file) return false;
        byte[] piece = new byte[Math.Min(64 * 1024, Math.Min(Answer.FileLeft, Window))];
        // The kernel reads from the handle, past whatever the source may keep in memory.
        int read = file.Handle.IsInvalid ? file.Read(piece, Answer.FileOffset)
            : RandomAccess.Read(file.Handle, piece, Answer.FileOffset);
        _sent.Write(piece, 0, read);
        Window -= read;
        if (read == 0) Answer.EndFile(broken: true);
        else Answer.FileSent(read);
        Conversation.Progress(read, Now);
        return true;
    }
}

/// <summary>A service whose sessions do what a test says, and remember every line.</summary>
internal sealed class ScriptService(Action<string, Answer> handle, bool mayIdle = false) : ILineService
{
    public LogBook Log { get; } = new();

    public List<string> Lines { get; } = [];

    /// <summary>What the sessions stand on is gone.</summary>
    public bool IsOver { get; set; }

    public Complaints Complaints => field ??= new Complaints(Log, new FakeTimeProvider());

    /// <summary>Answers every line with itself in brackets.</summary>
    public static ScriptService Echo() => new((line, answer) => answer.Write(Encoding.UTF8.GetBytes($"[{line}]\n")));

    public ILineSession Open(IPeer peer) => new Session(this, handle, mayIdle);

    private sealed class Session(ScriptService service, Action<string, Answer> handle, bool mayIdle) : ILineSession
    {
        public bool MayIdle => mayIdle;

        public bool IsOver => service.IsOver;

        public void Handle(ReadOnlySpan<byte> line, Answer answer)
        {
            string text = Encoding.UTF8.GetString(line);
            service.Lines.Add(text);
            handle(text, answer);
        }
    }
}
