using System.Collections.Concurrent;
using System.Net;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Client;

/// <summary>What a scripted peer says to one line, and whether it closes after it.</summary>
internal sealed record Reply(string Text, bool Closes = false)
{
    /// <summary>Closes without a word.</summary>
    public static Reply Close { get; } = new("", Closes: true);

    public static implicit operator Reply(string text) => new(text);
}

/// <summary>Peers that answer each line by a script; a line without an answer is met with silence.</summary>
internal sealed class ScriptedPeers : IDialer
{
    private readonly ConcurrentDictionary<(string, int), Func<string, Reply>> _peers = [];

    /// <summary>Every line that was said to somebody, in order.</summary>
    public ConcurrentQueue<string> Said { get; } = [];

    /// <summary>The most bytes that one read returns.</summary>
    public int Piece { get; set; } = int.MaxValue;

    public ScriptedPeers With(string host, int port, Func<string, Reply> answer)
    {
        _peers[(host, port)] = answer;
        return this;
    }

    public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken) =>
        !_peers.TryGetValue((host, port), out Func<string, Reply>? answer)
            ? throw new IOException($"{host}:{port} refused the connection")
            : ValueTask.FromResult(new LineConnection(
                new Connection(this, $"{host}:{port}", answer), IPAddress.Loopback, IPAddress.Loopback));

    private sealed class Connection(ScriptedPeers peers, string name, Func<string, Reply> answer) : Stream
    {
        private readonly MemoryStream _coming = new();
        private string _line = "";
        private int _read;
        private bool _closed;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            if (_closed) throw new IOException("broken pipe");
            _line += Encoding.UTF8.GetString(buffer, offset, count);
            while (_line.IndexOf('\n') is >= 0 and var end)
            {
                peers.Said.Enqueue($"{name} {_line[..end]}");
                Reply reply = answer(_line[..end]);
                _line = _line[(end + 1)..];
                _coming.Write(reply.Text.Utf8());
                _closed |= reply.Closes;
            }
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            byte[] bytes = buffer.ToArray();
            Write(bytes, 0, bytes.Length);
            return ValueTask.CompletedTask;
        }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int count = (int)Math.Min(Math.Min(buffer.Length, peers.Piece), _coming.Length - _read);
            if (count == 0 && !_closed)
            {
                TaskCompletionSource silence = new();
                await using var end = cancellationToken.Register(() => silence.TrySetCanceled(cancellationToken));
                await silence.Task;
            }
            _coming.GetBuffer().AsMemory(_read, count).CopyTo(buffer);
            _read += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
