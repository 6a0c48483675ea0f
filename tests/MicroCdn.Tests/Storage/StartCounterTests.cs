using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Storage;

public sealed class StartCounterTests
{
    private static readonly DateTimeOffset Today = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);
    private readonly FakeTimeProvider _time = new(Today);

    private long Clock => _time.GetUtcNow().ToUnixTimeMilliseconds();

    [Fact]
    public void The_first_start_has_the_number_of_the_clock_and_each_further_one_a_larger()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "state", "starts");
        Assert.Equal(Clock, Next(path));
        Assert.Equal(Clock + 1, Next(path));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(Clock, Next(path));
    }

    [Fact]
    public void A_clock_that_was_set_back_changes_nothing()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "starts");
        long first = Next(path);
        FakeTimeProvider early = new(Today.AddYears(-10));
        Assert.Equal(first + 1, StartCounter.Next(path, early, out string? trouble));
        Assert.Null(trouble);
    }

    [Fact]
    public void A_file_cut_at_any_byte_is_named_and_the_clock_makes_the_next_number_larger()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "starts");
        long before = Next(path);
        byte[] whole = File.ReadAllBytes(path);
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            _time.Advance(TimeSpan.FromMilliseconds(1));
            long next = StartCounter.Next(path, _time, out string? trouble);
            Assert.True(next > before);
            Assert.Contains("is damaged", trouble, StringComparison.Ordinal);
            before = next;
        }
    }

    [Theory]
    [InlineData("9223372036854775807 7f6a5c4d\n")]
    [InlineData("-1 00000000\n")]
    [InlineData("7 00000000\n")]
    [InlineData("seven\n")]
    public void A_number_that_nobody_counted_is_not_believed(string text)
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "starts");
        File.WriteAllText(path, text);
        Assert.Equal(Clock, StartCounter.Next(path, _time, out string? trouble));
        Assert.NotNull(trouble);
        Assert.Equal(Clock + 1, Next(path));
    }

    [Fact]
    public void A_file_with_more_behind_its_line_is_damaged()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "starts");
        Next(path);
        File.AppendAllText(path, new string('x', 100));
        StartCounter.Next(path, _time, out string? trouble);
        Assert.NotNull(trouble);
    }

    [Fact]
    public void Without_a_folder_and_with_one_that_cannot_be_written_the_clock_counts()
    {
        Assert.Equal(Clock, Next(null));
        Assert.Equal(Clock, StartCounter.Next("/proc/starts", _time, out string? trouble));
        Assert.Contains("/proc/starts", trouble, StringComparison.Ordinal);
    }

    private long Next(string? path)
    {
        long next = StartCounter.Next(path, _time, out string? trouble);
        Assert.Null(trouble);
        return next;
    }
}
