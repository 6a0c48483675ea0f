using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Network;

// Raw bytes behind a line: docs/protocol.md, STORE.
public sealed class IncomingBytesTests
{
    private readonly TakingService _service = new();

    [Fact]
    public async Task Bytes_are_no_lines_however_they_are_split_and_lines_go_on_behind_them()
    {
        byte[] input = Encoding.UTF8.GetBytes("TAKE 6\na\nb\n\0\nnext\n");
        for (int cut = 0; cut <= input.Length; cut++)
        {
            Wire wire = new Wire(_service).Receive(input.AsSpan(0, cut)).Receive(input.AsSpan(cut));
            byte[] taken = new byte[6];
            await _service.Incoming!.FillAsync(taken);
            Assert.Equal("a\nb\n\0\n"u8, taken);
            Assert.Equal("", wire.Sent);
            wire.Answer.Complete("taken\n"u8);
            Assert.Equal("taken\n[next]\n", wire.Turn().Sent);
        }
    }

    [Fact]
    public async Task No_more_than_64_KiB_lie_unread_and_the_connection_is_read_on_when_there_is_room()
    {
        Wire wire = new Wire(_service).Receive("TAKE 200000\n");
        Assert.False(wire.Conversation.IsPaused);
        wire.Receive(new byte[100_000]);
        Assert.True(wire.Conversation.IsPaused, "whoever reads is behind");
        // It is our own disk that is waited for.
        Assert.Equal(long.MaxValue, wire.Conversation.DueAt);
        byte[] target = new byte[50_000];
        int completions = wire.Completions;
        await _service.Incoming!.FillAsync(target);
        Assert.True(wire.Completions > completions, "the connection hears that there is room");
        wire.Turn();
        Assert.False(wire.Conversation.IsPaused);
        wire.Receive(new byte[100_000]);
        await _service.Incoming!.FillAsync(target);
        wire.Turn();
        await _service.Incoming!.FillAsync(new byte[65_000]);
        wire.Turn();
        await _service.Incoming!.FillAsync(new byte[35_000]);
        Assert.False(_service.Incoming.IsOpen);
        wire.Answer.Complete("taken\n"u8);
        Assert.Equal("taken\n", wire.Turn().Sent);
    }

    [Fact]
    public void What_is_refused_half_way_is_said_and_ends_the_connection()
    {
        Wire wire = new Wire(_service).Receive("TAKE 200000\n").Receive(new byte[100]);
        Assert.True(_service.Incoming!.TryRefuse(WireErrors.DiskFull));
        Assert.Equal("ERROR DISK_FULL\n", wire.Turn().Sent);
        Assert.True(wire.Conversation.IsOver);
        Assert.True(wire.Conversation.WasRefused, "the rest may still be on its way");
    }

    [Fact]
    public async Task Who_leaves_or_falls_silent_half_way_is_not_waited_for()
    {
        Wire wire = new Wire(_service).Receive("TAKE 200000\n").Receive(new byte[100]);
        wire.Now += (long)Limits.StallTime.TotalMilliseconds - 1;
        Assert.False(wire.Conversation.Expire(wire.Now));
        wire.Now++;
        Assert.True(wire.Conversation.Expire(wire.Now));
        Task reading = _service.Incoming!.FillAsync(new byte[200]).AsTask();
        wire.Conversation.End();
        await Assert.ThrowsAsync<IOException>(() => reading);
    }

    private sealed class TakingService : ILineService
    {
        public Complaints Complaints { get; } = new(new LogBook(), new FakeTimeProvider());

        public IncomingBytes? Incoming { get; private set; }

        public ILineSession Open(IPeer peer) => new Session(this);

        private sealed class Session(TakingService service) : ILineSession
        {
            public IncomingBytes? Incoming { get; private set; }

            public void Handle(ReadOnlySpan<byte> line, Answer answer)
            {
                string text = Encoding.UTF8.GetString(line);
                if (text.StartsWith("TAKE ", StringComparison.Ordinal))
                {
                    long length = long.Parse(text.AsSpan(5), System.Globalization.CultureInfo.InvariantCulture);
                    service.Incoming = Incoming = new IncomingBytes(length, answer.Wake);
                }
                else answer.Write(Encoding.UTF8.GetBytes($"[{text}]\n"));
            }

            public void End() => Incoming?.End();
        }
    }
}
