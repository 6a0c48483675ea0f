using System.Net;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Network;

public sealed class LineConnectionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public async Task Lines_and_the_raw_bytes_after_them_come_whole_however_they_arrive(int piece)
    {
        await using LineConnection connection = Connection("OK 5\r\nöther\n\nhello".Utf8(), piece);
        Assert.Equal("OK 5", await Line(connection));
        Assert.Equal("öther", await Line(connection));
        Assert.Equal("", await Line(connection));
        byte[] raw = new byte[10];
        int done = 0;
        for (int read = -1; read != 0; done += read)
        {
            read = await connection.ReadAsync(raw.AsMemory(done), TestContext.Current.CancellationToken);
        }
        Assert.Equal("hello", System.Text.Encoding.UTF8.GetString(raw, 0, done));
    }

    [Fact]
    public async Task A_line_without_its_end_is_none()
    {
        await using LineConnection connection = Connection("a\nunfinished".Utf8(), 3);
        Assert.Equal("a", await Line(connection));
        Assert.Null(await Line(connection));
    }

    [Theory]
    [InlineData(Limits.LineBytes - 1, true)]
    [InlineData(Limits.LineBytes, false)]
    [InlineData(Limits.LineBytes * 2, false)]
    public async Task A_peers_line_is_bounded_however_it_arrives(int length, bool taken)
    {
        foreach (int piece in new[] { 1000, Limits.LineBytes, 1_000_000 })
        {
            byte[] line = [.. new string('x', length).Utf8(), (byte)'\n'];
            await using LineConnection connection =
                Connection([.. "first\n".Utf8(), .. line, .. "end\n".Utf8()], piece);
            Assert.Equal("first", await Line(connection));
            if (taken) Assert.Equal(length, (await Line(connection))!.Length);
            else await Assert.ThrowsAsync<InvalidDataException>(() => Line(connection));
        }
    }

    private static async Task<string?> Line(LineConnection connection) =>
        await connection.ReadLineAsync(TestContext.Current.CancellationToken) is { } line ? line.Span.Text() : null;

    private static LineConnection Connection(byte[] bytes, int piece) =>
        new(new Pieces(bytes, piece), IPAddress.Loopback, IPAddress.Loopback);

    private sealed class Pieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(piece, buffer.Length)], cancellationToken);
    }
}
