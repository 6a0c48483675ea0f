using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Storage;

// A log that others move away, cut short, or cannot have.
public sealed class AppendedFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Log => Path.Combine(_folder.Path, "access.log");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Lines_are_added_behind_what_is_there()
    {
        File.WriteAllText(Log, "old\n");
        using AppendedFile file = AppendedFile.Open(Log);
        file.Write("one\n"u8);
        file.Write("two\n"u8);
        Assert.Equal("old\none\ntwo\n", File.ReadAllText(Log));
    }

    [Fact]
    public void A_file_that_was_moved_away_is_written_on_until_it_is_opened_anew()
    {
        using AppendedFile file = AppendedFile.Open(Log);
        file.Write("one\n"u8);
        File.Move(Log, Log + ".1");
        file.Write("two\n"u8);
        file.Reopen();
        file.Write("three\n"u8);
        Assert.Equal("one\ntwo\n", File.ReadAllText(Log + ".1"));
        Assert.Equal("three\n", File.ReadAllText(Log));
    }

    [Fact]
    public void What_was_cut_short_by_others_goes_on_at_its_new_end()
    {
        using AppendedFile file = AppendedFile.Open(Log);
        file.Write("one\n"u8);
        File.WriteAllText(Log, "");
        file.Write("two\n"u8);
        Assert.Equal("two\n", File.ReadAllText(Log));
    }

    [Fact]
    public void A_torn_last_line_is_ended_first()
    {
        File.WriteAllText(Log, "tor");
        using AppendedFile file = AppendedFile.Open(Log);
        file.Write("one\n"u8);
        Assert.Equal("tor\none\n", File.ReadAllText(Log));
    }

    [Fact]
    public void Strangers_may_not_read_it()
    {
        using AppendedFile file = AppendedFile.Open(Log);
        Assert.False(File.GetUnixFileMode(Log).HasFlag(UnixFileMode.OtherRead));
    }

    [Fact]
    public void What_cannot_be_opened_says_why_and_what_is_open_stays_so()
    {
        Assert.Contains("Is a directory", Assert.Throws<IOException>(() => AppendedFile.Open(_folder.Path)).Message,
            StringComparison.Ordinal);
        string folder = Path.Combine(_folder.Path, "logs");
        Directory.CreateDirectory(folder);
        using AppendedFile file = AppendedFile.Open(Path.Combine(folder, "log"));
        Directory.Move(folder, folder + ".gone");
        Assert.Throws<IOException>(file.Reopen);
        file.Write("on\n"u8);
        Assert.Equal("on\n", File.ReadAllText(Path.Combine(folder + ".gone", "log")));
    }

    [Fact]
    public void A_full_disk_is_an_error_that_passes()
    {
        using AppendedFile file = AppendedFile.Open("/dev/full");
        Assert.Contains("No space left", Assert.Throws<IOException>(() => file.Write("one\n"u8)).Message,
            StringComparison.Ordinal);
    }
}
