using System.Globalization;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>What a kill at any call, a disk that fails and a full disk leave of an index's database, by strace.</summary>
[Trait("Needs", "strace")]
public sealed class RecordCrashTests
{
    private const int Changes = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    // Every one of the first calls, among them those that make the folder and the database; then some of the others.
    [Theory]
    [InlineData("write,pwrite64", 14, 5)]
    [InlineData("fsync,fdatasync", 20, 1)]
    [InlineData("rename,unlink,ftruncate,mkdir", 20, 1)]
    public async Task A_process_killed_at_any_of_its_calls_has_lost_nothing_that_it_called_committed(
        string calls, int every, int then)
    {
        await using Stage stage = new();
        int kills = 0;
        for (int number = 1; number <= 200; number += number < every ? 1 : then)
        {
            string folder = Path.Combine(stage.Folder, $"killed-{number}", "state");
            // Only calls on the files of the folder count, and those on the folder above when it is made.
            RunningProcess writer = RecordWriter.Start(stage, folder, Changes, ["strace", "-f", "-qq", "-o", "/dev/null",
                "-e", $"trace={calls}", "-e", $"inject={calls}:signal=KILL:when={number}", .. Paths(folder)]);
            int code = await writer.UntilEndAsync(Patience);
            await RecordWriter.CheckAsync(folder, RecordWriter.LastCommitted(writer.Output));
            if (code == 0) break;
            kills++;
        }
        Assert.True(kills >= 3, $"only {kills} kills");
    }

    [Theory]
    // The journal of a new database, its log, and the changes in that.
    [InlineData(2)]
    [InlineData(6)]
    [InlineData(9)]
    [InlineData(12)]
    public async Task After_one_failed_fsync_nothing_more_is_written_and_what_was_committed_is_there(int number)
    {
        await using Stage stage = new();
        string folder = Path.Combine(stage.Folder, "state"), calls = Path.Combine(stage.Folder, "calls");
        RunningProcess writer = RecordWriter.Start(stage, folder, 50, ["strace", "-f", "-qq", "-o", calls,
            "-e", "trace=fsync,fdatasync,write,pwrite64,ftruncate,unlink", "-e",
            $"inject=fsync,fdatasync:error=EIO:when={number}", .. Paths(folder)]);
        await EndsAtAsync(writer, folder, calls);
    }

    // By itself SQLite would keep it to itself and ask again, be told that all is well, and write over its log.
    [Fact]
    public async Task A_failed_fsync_while_the_log_is_written_back_ends_the_writing_too()
    {
        await using Stage stage = new();
        string folder = Path.Combine(stage.Folder, "state"), calls = Path.Combine(stage.Folder, "calls");
        // The second one of the database itself; the first one makes it a database with a log.
        RunningProcess writer = RecordWriter.Start(stage, folder, 100_000, ["strace", "-f", "-qq", "-o", calls,
            "-e", "trace=fsync,fdatasync,write,pwrite64,ftruncate,unlink", "-e",
            "inject=fsync,fdatasync:error=EIO:when=2", "-P", $"{folder}/book.db"]);
        await EndsAtAsync(writer, folder, calls);
        Assert.True(RecordWriter.LastCommitted(writer.Output) > 50, writer.Output);
    }

    private static async Task EndsAtAsync(RunningProcess writer, string folder, string calls)
    {
        Assert.NotEqual(0, await writer.UntilEndAsync(Patience));
        Assert.Contains("the disk did not keep", writer.Output, StringComparison.Ordinal);
        string[] seen = await File.ReadAllLinesAsync(calls);
        int failed = Array.FindIndex(seen, line => line.Contains("EIO", StringComparison.Ordinal));
        Assert.True(failed >= 0, string.Join('\n', seen));
        // Neither tried again, nor written back when it is closed.
        Assert.DoesNotContain(seen[(failed + 1)..], line => line.Contains("sync(", StringComparison.Ordinal)
            || line.Contains("write", StringComparison.Ordinal) || line.Contains("ftruncate", StringComparison.Ordinal));
        await RecordWriter.CheckAsync(folder, RecordWriter.LastCommitted(writer.Output));
    }

    [Fact]
    public async Task A_backup_is_durable_before_it_has_its_name_and_its_name_is_too()
    {
        await using Stage stage = new();
        string folder = Path.Combine(stage.Folder, "state"), calls = Path.Combine(stage.Folder, "calls");
        Assert.Equal(0, await RecordWriter.Start(stage, folder, 3).UntilEndAsync(Patience));
        RunningProcess backup = stage.Run("strace", "-f", "-qq", "-y", "-o", calls, "-e",
            "trace=fsync,fdatasync,rename,renameat2,link,linkat", Stage.MicroCdnProgram, "index", "backup",
            "new/copy.db", "--data", folder);
        Assert.True(await backup.UntilEndAsync(Patience) == 0, backup.Output);
        string[] seen = [.. (await File.ReadAllLinesAsync(calls))
            .Where(line => line.Contains("new", StringComparison.Ordinal))];
        int file = Array.FindLastIndex(seen, line => line.Contains(".part>", StringComparison.Ordinal));
        int name = Array.FindLastIndex(seen, line => line.Contains("copy.db\"", StringComparison.Ordinal));
        int entry = Array.FindLastIndex(seen, line => line.Contains("/new>)", StringComparison.Ordinal));
        Assert.True(file >= 0 && file < name && name < entry, string.Join('\n', seen));
    }

    [Fact]
    public async Task A_full_disk_is_a_sentence_and_what_was_committed_is_there()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root mounts images");
        await using Stage stage = new();
        string disk = stage.MakeFolder("disk"), folder = Path.Combine(disk, "state");
        await RunAsync("mount", "-t", "tmpfs", "-o", "size=400k", "none", disk);
        try
        {
            RunningProcess writer = RecordWriter.Start(stage, folder, 100_000);
            Assert.NotEqual(0, await writer.UntilEndAsync(Patience));
            long committed = RecordWriter.LastCommitted(writer.Output);
            Assert.True(committed > 3, writer.Output);
            Assert.Contains($"no room is left on the disk for '{folder}/book.db': nothing was written", writer.Output,
                StringComparison.Ordinal);
            await RunAsync("mount", "-o", "remount,size=4m", disk);
            Assert.Equal(committed, await RecordWriter.CheckAsync(folder, committed));
        }
        finally
        {
            await RunAsync("umount", disk);
        }
    }

    // The folders are made, and the files named, in front of strace's eyes.
    private static string[] Paths(string folder) => [.. new[] { "", "/book.db", "/book.db-wal", "/book.db-journal" }
        .SelectMany(name => (string[])["-P", string.Create(CultureInfo.InvariantCulture, $"{folder}{name}")])];

    private static async Task RunAsync(string program, params string[] arguments)
    {
        await using RunningProcess run = RunningProcess.Start(program, arguments);
        Assert.True(await run.UntilEndAsync() == 0, $"{program}: {run.Output}");
    }
}
