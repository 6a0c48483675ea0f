using System.Net;
using MicroCdn.Network;

namespace MicroCdn.Testing;

/// <summary>A role's side of one fake connection: the real conversation, hosted as an event loop would.</summary>
internal sealed class ServedConnection : IPeer
{
    private readonly FakeNetwork _network;
    private readonly FakeHost _host;
    private readonly Flow _input;
    private readonly Flow _output;
    private readonly Conversation _conversation;
    private readonly byte[] _buffer = new byte[16 * 1024];
    private bool _inputEnded;
    private bool _closed;

    public ServedConnection(FakeNetwork network, FakeHost host, FakeConnection connection, IConversations service)
    {
        (_network, _host) = (network, host);
        (_input, _output) = (connection.ToServer, connection.ToClient);
        (Remote, Local) = (connection.ClientAddress, connection.ServerAddress);
        Answer answer = new(network.Buffers, () => host.Post(Turn));
        _conversation = service.Begin(this, answer, network.Milliseconds);
        _input.Arrived = Turn;
        _output.Drained = Turn;
    }

    public IPAddress Remote { get; }

    public IPAddress Local { get; }

    /// <summary>Does what can be done now; always on the network's one thread.</summary>
    public void Turn()
    {
        while (!_closed)
        {
            long now = _network.Milliseconds;
            _conversation.Continue(now);
            if (!Flush(now)) return;
            if (_conversation.IsOver) Close();
            else if (_conversation.Answer.IsReady) continue;
            else if (_conversation.IsPaused || !Read(now)) return;
        }
    }

    /// <summary>Looks whether the peer took too long.</summary>
    public void Sweep()
    {
        if (_closed) return;
        if (_conversation.Expire(_network.Milliseconds) && _conversation.Answer.Broken) Close();
        else if (_conversation.Answer.Closing) Turn();
    }

    public void Close()
    {
        if (_closed) return;
        _closed = true;
        _conversation.End();
        _output.EndWriting();
        _input.EndReading();
        _host.Forget(this);
    }

    private bool Read(long now)
    {
        switch (_input.Take(_buffer, out int length))
        {
            case Arrival.Bytes:
                _conversation.Receive(_buffer.AsSpan(0, length), now);
                return true;
            case Arrival.End when !_inputEnded:
                _inputEnded = true;
                _conversation.EndInput();
                return true;
            case Arrival.Broken:
                Close();
                return false;
            default:
                return false;
        }
    }

    // False when the window is full, or the client is gone.
    private bool Flush(long now)
    {
        Answer answer = _conversation.Answer;
        while (answer.HasText || answer.File is not null)
        {
            int room = _output.Room;
            if (room == 0) return false;
            bool taken;
            int sent;
            if (answer.HasText)
            {
                int length = Math.Min(room, answer.Unsent.Length);
                taken = _output.Write(answer.Unsent[..length]);
                answer.TextSent(sent = length);
            }
            else
            {
                int most = (int)Math.Min(Math.Min(room, _buffer.Length), answer.FileLeft);
                int read = sent = answer.File!.Read(_buffer.AsSpan(0, most), answer.FileOffset);
                taken = _output.Write(_buffer.AsSpan(0, read));
                if (read > 0) answer.FileSent(read);
                else answer.EndFile(broken: true);
            }
            if (!taken)
            {
                Close();
                return false;
            }
            _conversation.Progress(sent, now);
        }
        return true;
    }
}
