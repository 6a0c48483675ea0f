using MicroCdn.Caching;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Caching;

// What is kept of a response is what is read back, at any cut refused or the same.
public sealed class StoredHeadTests
{
    private static readonly StoredHead Head = new()
    {
        Status = 404,
        Reason = "Nicht da"u8.ToArray(),
        Fields = HeaderFields.FromLines("Cache-Control: max-age=5\r\nX-Odd: \xe9\r\nEmpty: \r\n"u8),
        Selecting = HeaderFields.FromLines("accept-encoding: gzip\r\n"u8),
        RequestedAt = 1_790_000_000,
        ReceivedAt = 1_790_000_001,
        AgeAtReceipt = 7,
        WasAuthorized = true,
    };

    [Fact]
    public void A_head_is_read_back_as_it_was_written()
    {
        StoredHead back = StoredHead.Read(Head.Write());
        Assert.Equal(Head.Fields.ToString(), back.Fields.ToString());
        Assert.Equal(Head.Selecting.ToString(), back.Selecting.ToString());
        Assert.Equal("Nicht da"u8.ToArray(), back.Reason.ToArray());
        Assert.Equal((404, 1_790_000_000L, 1_790_000_001L, 7L, true),
            (back.Status, back.RequestedAt, back.ReceivedAt, back.AgeAtReceipt, back.WasAuthorized));
    }

    [Fact]
    public void A_head_cut_anywhere_is_refused()
    {
        byte[] whole = Head.Write();
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => StoredHead.Read(whole.AsSpan(0, length)));
        }
    }
}
