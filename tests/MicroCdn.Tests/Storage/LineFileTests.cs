using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Storage;

public sealed class LineFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LineFile _file;

    public LineFileTests() => _file = new LineFile(_folder["made/on the way/lines"]);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_that_is_not_there_has_no_lines()
    {
        Assert.Empty(Lines());
        Assert.Equal(0, _file.Length);
    }

    [Fact]
    public void Lines_added_come_back_in_order()
    {
        _file.Append("one\ntwo\n"u8);
        _file.Append("\nthree\n"u8);
        Assert.Equal(["one", "two", "", "three"], Lines());
        Assert.Equal("one\ntwo\n\nthree\n".Length, _file.Length);
    }

    [Fact]
    public void A_torn_last_line_is_not_read_and_spoils_no_other()
    {
        _file.Append("one\n"u8);
        File.AppendAllText(_file.Path, "tor");
        Assert.Equal(["one"], Lines());
        new LineFile(_file.Path).Append("two\n"u8);
        Assert.Equal(["one", "tor", "two"], Lines());
    }

    // A block is 1 MiB.
    [Fact]
    public void Lines_come_back_over_every_border_of_a_block_and_too_long_ones_are_passed_over()
    {
        Random random = new(3);
        List<string> model = [];
        for (long written = 0; written < 5 << 20;)
        {
            string line = new((char)('a' + (model.Count % 26)), random.Next(0, LineFile.LineBytes + 1));
            model.Add(line);
            _file.Append($"{line}\n".Utf8());
            written += line.Length + 1;
            if (model.Count % 50 != 7) continue;
            string tooLong = new('X', LineFile.LineBytes + 1 + (random.Next(2) * random.Next(3 << 20)));
            _file.Append($"{tooLong}\n".Utf8());
        }
        Assert.Equal(model, Lines());
    }

    [Fact]
    public async Task Work_of_low_priority_has_a_thread_of_its_own_and_its_failure_is_seen()
    {
        bool onPool = true;
        await LowPriority.RunAsync(() => onPool = Thread.CurrentThread.IsThreadPoolThread);
        Assert.False(onPool);
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => LowPriority.RunAsync(() => throw new InvalidOperationException()));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => LowPriority.RunAsync(() => throw new OperationCanceledException()));
    }

    [Fact]
    public async Task Work_of_low_priority_is_nice_and_nobody_else_is()
    {
        string work = "";
        await LowPriority.RunAsync(() => work = Nice());
        Assert.Equal("19", work);
        Assert.NotEqual("19", Nice());
    }

    // proc_pid_stat(5): the 19th field is the nice value; the name before it may hold spaces.
    private static string Nice() => File.ReadAllText("/proc/thread-self/stat").Split(") ")[^1].Split(' ')[16];

    private List<string> Lines()
    {
        List<string> lines = [];
        _file.Read(line => lines.Add(line.Text()));
        return lines;
    }
}
