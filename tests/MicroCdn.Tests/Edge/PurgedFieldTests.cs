using MicroCdn.Content;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Edge;

public sealed class PurgedFieldTests
{
    [Theory]
    [InlineData(0x0cf64f8d07ab54a8, 12, 0, "0cf64f8d07ab54a8-12")]
    [InlineData(1, 0, ulong.MaxValue, "0000000000000001-0, ffffffffffffffff")]
    [InlineData(ulong.MaxValue, long.MaxValue, 1, "ffffffffffffffff-9223372036854775807, 0000000000000001")]
    public void What_is_written_is_read(ulong epoch, long number, ulong former, string value)
    {
        PurgeDemand[] demands = [new(epoch, number, former)];
        Is(value, demands);
    }

    [Fact]
    public void What_is_written_of_several_indexes_is_read()
    {
        Is("0000000000000001-2, 0000000000000003-4", new(1, 2, 0), new(3, 4, 0));
        Is("0000000000000001-2, 0000000000000005, 0000000000000003-4, 0000000000000006", new(1, 2, 5), new(3, 4, 6));
        PurgeDemand[] most = [.. Enumerable.Range(0, ContentOptions.MostIndexes)
            .Select(_ => new PurgeDemand(ulong.MaxValue, long.MaxValue, ulong.MaxValue))];
        Is(string.Join(", ", most.Select(_ => "ffffffffffffffff-9223372036854775807, ffffffffffffffff")), most);
    }

    private static void Is(string value, params PurgeDemand[] demands)
    {
        HeaderFields asked = HeaderFields.FromLines("A: b\r\nmicrocdn-purged: forged\r\n"u8);
        HeaderFields fields = PurgedField.AddTo(asked, demands);
        Assert.Equal($"A: b\r\nMicroCdn-Purged: {value}\r\n", fields.ToString());
        Assert.True(PurgedField.TryRead(fields, out PurgeDemand[] read));
        Assert.Equal(demands, read);
        Assert.Equal("A: b\r\n", PurgedField.Without(fields).ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("12")]
    [InlineData("0cf64f8d07ab54a8")]
    [InlineData("0cf64f8d07ab54a8-")]
    [InlineData("0cf64f8d07ab54a8-+1")]
    [InlineData("0cf64f8d07ab54a8--1")]
    [InlineData("0cf64f8d07ab54a8-9223372036854775808")]
    [InlineData("0cf64f8d07ab54a8-12x")]
    [InlineData("0cf64f8d07ab54a8-12,0000000000000001")]
    [InlineData("0cf64f8d07ab54a8-12, 000000000000001")]
    [InlineData("0cf64f8d07ab54a8-12, 0000000000000001, ")]
    [InlineData("0cf64f8d07ab54a8-12, 0000000000000001, 0000000000000001")]
    [InlineData("0cf64f8d07ab54a8-12, 0000000000000001-")]
    [InlineData("0cf64f8d07ab54a8-12 0000000000000001-1")]
    [InlineData("0cf64f8d07ab54ag-12")]
    [InlineData(" 0cf64f8d07ab54a-12")]
    public void What_cannot_be_read_demands_nothing(string value) => Assert.False(PurgedField.TryRead(
        new HeaderFields.Builder().Add(PurgedField.Name, value.Utf8()).Build(), out _));
}
