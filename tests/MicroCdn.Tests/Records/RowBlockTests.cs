using CsCheck;
using MicroCdn.Records;
using MicroCdn.Records.Redis;

namespace MicroCdn.Tests.Records;

/// <summary>Rows that become bytes and rows again, and bytes that are not believed.</summary>
public sealed class RowBlockTests
{
    private static readonly BlockPlace Place = new(0x1234_5678_9abc_def0, 7, 3);

    private static readonly Gen<RecordRow> Rows =
        Gen.Select(Gen.Byte, Gen.Byte.Array[0, 40], Gen.Byte.Array[0, 60].Null(),
            (kind, key, value) => new RecordRow(kind, key, value));

    [Fact]
    public void Rows_come_back_as_they_were() => Rows.Array[0, 20].Sample(rows =>
    {
        byte[] block = RowBlock.Of(rows, Place);
        Assert.True(RowBlock.IsSound(block, Place));
        Assert.Equal(rows.Select(Text), Read(block).Select(Text));
    });

    [Fact]
    public void A_block_that_was_cut_anywhere_or_has_a_wrong_bit_is_not_believed() =>
        Gen.Select(Rows.Array[0, 5], Gen.Int[0, int.MaxValue], Gen.Int[0, 7]).Sample((rows, at, bit) =>
        {
            byte[] block = RowBlock.Of(rows, Place);
            for (int length = 0; length < block.Length; length++)
            {
                Assert.False(RowBlock.IsSound(block.AsSpan(0, length), Place));
            }
            Assert.False(RowBlock.IsSound([.. block, 0], Place));
            block[at % block.Length] ^= (byte)(1 << bit);
            Assert.False(RowBlock.IsSound(block, Place));
        });

    [Fact]
    public void A_block_is_believed_only_where_it_belongs()
    {
        byte[] block = RowBlock.Of([new RecordRow(1, [1], [2])], Place);
        Assert.False(RowBlock.IsSound(block, Place with { Before = 1 }));
        Assert.False(RowBlock.IsSound(block, Place with { Number = 8 }));
        Assert.False(RowBlock.IsSound(block, Place with { Part = 4 }));
    }

    [Fact]
    public void The_longest_rows_fit_and_an_empty_value_is_not_a_missing_one()
    {
        RecordRow[] rows =
        [
            new(255, new byte[RecordRow.MostKeyBytes], new byte[RecordRow.MostValueBytes]),
            new(0, [], []), new(0, [1], null),
        ];
        byte[] block = RowBlock.Of(rows, Place);
        Assert.True(RowBlock.IsSound(block, Place));
        RecordRow[] read = [.. Read(block)];
        Assert.Equal(rows.Select(row => row.Value?.Length), read.Select(row => row.Value?.Length));
    }

    private static IReadOnlyList<RecordRow> Read(byte[] block) =>
        new LogEntry(new KnownChange(7, RowBlock.CheckOf(block)), block).ToChange().Rows;

    private static string Text(RecordRow row) =>
        $"{row.Kind} {Convert.ToHexString(row.Key)} {(row.Value is null ? "-" : Convert.ToHexString(row.Value))}";
}
