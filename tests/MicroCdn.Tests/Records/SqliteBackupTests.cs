using MicroCdn.Records;

namespace MicroCdn.Tests.Records;

/// <summary>A backup and a check are made beside the process that writes.</summary>
public sealed class SqliteBackupTests : IDisposable
{
    private readonly SqliteWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task A_backup_holds_what_was_committed_and_is_a_store_when_it_is_put_into_a_folder()
    {
        await using SqliteRecordStore store = _world.Open();
        await SqliteWorld.FillAsync(store, 30);
        string target = _world["backups/monday.db"];
        RecordFindings? copied = await SqliteBackup.CopyAsync(_world.Folder, target, default);
        Assert.Equal((30, 300), (copied!.Number, copied.Rows));
        Assert.Equal([target], Directory.GetFiles(_world["backups"]));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(target));

        await store.CommitAsync(31, [SqliteWorld.Row("later", "x")], default);
        Directory.CreateDirectory(_world["restored"]);
        File.Copy(target, _world["restored/book.db"]);
        (long number, var rows) = await SqliteWorld.ReadAsync(_world["restored"]);
        Assert.Equal((30, 300), (number, rows.Count));
        Assert.Equal(31, (await SqliteWorld.ReadAsync(store)).Number);
    }

    [Fact]
    public async Task A_backup_is_of_one_moment_while_changes_go_on()
    {
        await using SqliteRecordStore store = _world.Open();
        await SqliteWorld.FillAsync(store, 1, rows: 20_000);
        using CancellationTokenSource enough = new();
        Task<long> writing = WriteAsync(store, enough.Token);
        for (int backup = 1; backup <= 5; backup++)
        {
            string target = _world[$"{backup}/book.db"];
            RecordFindings? copied = await SqliteBackup.CopyAsync(_world.Folder, target, default);
            (long number, var rows) = await SqliteWorld.ReadAsync(_world[$"{backup}"]);
            Assert.Equal(number, copied!.Number);
            // Each change writes its number into these ten rows.
            string[] same = [.. rows.Where(row => row.Key.StartsWith("2/", StringComparison.Ordinal))
                .Select(row => row.Value)];
            Assert.Equal(number == 1 ? [] : Enumerable.Repeat($"{number}", 10), same);
        }
        await enough.CancelAsync();
        Assert.Equal(await writing, (await SqliteWorld.ReadAsync(store)).Number);
    }

    [Fact]
    public async Task A_file_that_is_there_is_left_as_it_is()
    {
        await _world.FillAsync(1);
        File.WriteAllText(_world["mine"], "precious");
        IOException refused = await Assert.ThrowsAsync<IOException>(() =>
            SqliteBackup.CopyAsync(_world.Folder, _world["mine"], default));
        Assert.Equal($"'{_world["mine"]}' exists and is left as it is", refused.Message);
        Assert.Equal("precious", File.ReadAllText(_world["mine"]));
    }

    [Fact]
    public async Task A_damaged_database_makes_no_backup_and_leaves_nothing()
    {
        await _world.FillAsync(3, rows: 300);
        byte[] bytes = File.ReadAllBytes(_world.Database);
        int at = bytes.AsSpan().IndexOf("cccccccccccc"u8);
        SqliteWorld.Scribble(_world.Database, at + 3, (byte)'x');
        RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(() =>
            SqliteBackup.CopyAsync(_world.Folder, _world["backups/monday.db"], default));
        Assert.Contains(
            $"'{_world.Database}' is damaged: the row of kind 1", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_world["backups"]));
    }

    [Fact]
    public async Task A_backup_that_is_given_up_leaves_nothing()
    {
        await _world.FillAsync(1);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            SqliteBackup.CopyAsync(_world.Folder, _world["backups/monday.db"], new CancellationToken(true)));
        Assert.False(Directory.Exists(_world["backups"]));
    }

    [Fact]
    public async Task Where_there_is_no_database_there_is_nothing_to_check_or_to_back_up()
    {
        Assert.Null(await SqliteInspection.CheckAsync(_world.Folder, default));
        Assert.Null(await SqliteBackup.CopyAsync(_world.Folder, _world["backups/monday.db"], default));
        Assert.False(Directory.Exists(_world["backups"]));
    }

    [Fact]
    public async Task A_sound_database_has_no_findings_also_while_it_is_used_and_after_a_kill()
    {
        await using (SqliteRecordStore store = _world.Open())
        {
            await SqliteWorld.FillAsync(store, 20);
            RecordFindings used = (await SqliteInspection.CheckAsync(_world.Folder, default))!;
            Assert.Empty(used.Damages);
            Assert.Equal((20, 200, 200 * (13 + 100)), (used.Number, used.Rows, used.Bytes));
            RecordFindings killed = (await SqliteInspection.CheckAsync(_world.CopyAsIs("killed"), default))!;
            Assert.Empty(killed.Damages);
            Assert.Equal(20, killed.Number);
        }
        string[] before = Directory.GetFiles(_world.Folder);
        Assert.Empty((await SqliteInspection.CheckAsync(_world.Folder, default))!.Damages);
        await _world.Open().LoadAsync((_, _, _) => { }, default);
        Assert.Equal(["book.db", "book.lock"], before.Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task A_check_names_every_row_that_is_wrong_and_reads_on()
    {
        await _world.FillAsync(3, rows: 300);
        byte[] bytes = File.ReadAllBytes(_world.Database);
        foreach (string run in (string[])["dddddddddddd", "kkkkkkkkkkkk"])
        {
            int at = bytes.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(run));
            SqliteWorld.Scribble(_world.Database, at + 3, (byte)'x');
        }
        RecordFindings findings = (await SqliteInspection.CheckAsync(_world.Folder, default))!;
        Assert.Equal(898, findings.Rows);
        Assert.Equal(2, findings.Damages.Count);
        Assert.All(findings.Damages, damage =>
            Assert.EndsWith("is not as it was written", damage, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_check_names_what_SQLite_finds()
    {
        await _world.FillAsync(50);
        byte[] noise = new byte[4096];
        new Random(1).NextBytes(noise);
        SqliteWorld.Scribble(_world.Database, 7 * 4096, noise);
        RecordFindings findings = (await SqliteInspection.CheckAsync(_world.Folder, default))!;
        Assert.Contains(findings.Damages, damage => damage.Contains("page 8", StringComparison.Ordinal));
        Assert.All(findings.Damages, damage => Assert.DoesNotContain('\n', damage));
    }

    private static RecordRow[] Same(long number) =>
        [.. Enumerable.Range(0, 10).Select(row => SqliteWorld.Row($"same-{row}", $"{number}", kind: 2))];

    private static async Task<long> WriteAsync(SqliteRecordStore store, CancellationToken enough)
    {
        long number = 2;
        for (; !enough.IsCancellationRequested; number++) await store.CommitAsync(number, Same(number), default);
        return number - 1;
    }
}
