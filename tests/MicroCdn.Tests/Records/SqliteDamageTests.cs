using System.Text;
using MicroCdn.Records;
using Microsoft.Data.Sqlite;

namespace MicroCdn.Tests.Records;

/// <summary>Damage is named, and nothing is written over it; a torn end is none.</summary>
public sealed class SqliteDamageTests : IDisposable
{
    private const int Page = 4096, Frame = Page + 24, Head = 32;
    private readonly SqliteWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task A_header_that_is_overwritten_is_named()
    {
        await _world.FillAsync(20);
        SqliteWorld.Scribble(_world.Database, 0, new byte[32]);
        await IsRefusedAsync("is no SQLite database, or its first page is damaged");
    }

    [Fact]
    public async Task Something_else_under_the_name_is_named()
    {
        await _world.FillAsync(1);
        File.WriteAllText(_world.Database, "A letter to my aunt, and no database at all. " + new string('.', 9000));
        await IsRefusedAsync("is no SQLite database, or its first page is damaged");
    }

    [Fact]
    public async Task An_empty_file_is_named()
    {
        await _world.FillAsync(1);
        File.WriteAllBytes(_world.Database, []);
        await IsRefusedAsync("it is empty");
    }

    [Fact]
    public async Task A_database_of_another_program_is_left_to_it()
    {
        Directory.CreateDirectory(_world.Folder);
        Execute("CREATE TABLE rows (a); PRAGMA user_version = 1;", create: true);
        await IsRefusedAsync("is the database of another program");
    }

    [Fact]
    public async Task A_database_of_a_newer_microcdn_is_left_to_that()
    {
        await _world.FillAsync(1);
        Execute("PRAGMA user_version = 2");
        await IsRefusedAsync("has layout 2, and this microcdn knows 1: use the microcdn that wrote it, or a newer one");
    }

    [Fact]
    public async Task A_page_in_the_middle_that_is_overwritten_is_named()
    {
        await _world.FillAsync(50);
        byte[] noise = new byte[Page];
        new Random(1).NextBytes(noise);
        SqliteWorld.Scribble(_world.Database, 7 * Page, noise);
        await IsRefusedAsync("page 8");
    }

    [Fact]
    public async Task A_database_that_is_cut_is_named()
    {
        await _world.FillAsync(50);
        using (FileStream file = new(_world.Database, FileMode.Open)) file.SetLength(file.Length / 2 / Page * Page);
        await IsRefusedAsync("is damaged");
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(20_000)]
    public async Task One_letter_of_a_value_that_rotted_is_named_with_its_key(int valueBytes)
    {
        await _world.FillAsync(3, rows: 3, valueBytes);
        byte[] bytes = File.ReadAllBytes(_world.Database);
        // The value of name-00000006 is all g; wherever a page holds some, also one that is left over from a split.
        byte[] some = Encoding.ASCII.GetBytes(new string('g', valueBytes / 10));
        for (int at = 0, next; (next = bytes.AsSpan(at).IndexOf(some)) >= 0; at += next + valueBytes)
        {
            SqliteWorld.Scribble(_world.Database, at + next + 50, (byte)'x');
        }
        await IsRefusedAsync("the row of kind 1 with the key "
            + $"{Convert.ToHexStringLower("name-00000006"u8)} is not as it was written");
    }

    [Fact]
    public async Task A_number_that_rotted_or_is_gone_is_named()
    {
        await _world.FillAsync(3);
        Execute("UPDATE rows SET value = X'0000000000000002' WHERE kind = -1");
        await IsRefusedAsync("the number of the last change is not as it was written");
        Execute("DELETE FROM rows WHERE kind = -1");
        await IsRefusedAsync("the number of the last change is missing");
    }

    [Fact]
    public async Task A_row_under_the_key_of_another_is_named()
    {
        await _world.FillAsync(3);
        Execute("UPDATE rows SET key = X'00' WHERE key = CAST('name-00000011' AS BLOB)");
        await IsRefusedAsync("the row of kind 1 with the key 00 is not as it was written");
    }

    // Wherever the power cut tore what was being written, the changes before it are there, and whole.
    [Fact]
    public async Task A_torn_end_of_the_log_is_no_damage_wherever_it_is_torn()
    {
        (string crashed, List<long> ends) = await CrashedAsync(changes: 4);
        byte[] log = File.ReadAllBytes(Path.Combine(crashed, "book.db-wal"));
        Random chance = new(1);
        byte[] noise = new byte[Frame];
        for (int cut = log.Length; cut > ends[2]; cut -= 331)
        {
            chance.NextBytes(noise);
            // Cut off, zeros, noise.
            foreach ((int way, byte[] rest) in ((byte[][])[[], new byte[log.Length - cut], noise]).Index())
            {
                string torn = _world[$"torn-{cut}-{way}"];
                Directory.CreateDirectory(torn);
                File.Copy(Path.Combine(crashed, "book.db"), Path.Combine(torn, "book.db"));
                File.WriteAllBytes(Path.Combine(torn, "book.db-wal"), [.. log.AsSpan(0, cut), .. rest]);
                (long number, var rows) = await SqliteWorld.ReadAsync(torn);
                Assert.Equal(cut < ends[3] ? 4 : 5, number);
                Assert.Equal((number - 1) * 10, rows.Count);
            }
        }
    }

    // One page of the last change did not arrive, those after it did: the disk writes in any order.
    [Fact]
    public async Task A_hole_in_the_last_change_is_no_damage()
    {
        (string crashed, List<long> ends) = await CrashedAsync(changes: 4);
        SqliteWorld.Scribble(Path.Combine(crashed, "book.db-wal"), ends[2], new byte[Frame]);
        (long number, var rows) = await SqliteWorld.ReadAsync(crashed);
        Assert.Equal(4, number);
        Assert.Equal(30, rows.Count);
    }

    [Fact]
    public async Task A_log_that_rotted_before_whole_changes_is_named_wherever_that_is()
    {
        (string crashed, List<long> ends) = await CrashedAsync(changes: 4);
        string log = Path.Combine(crashed, "book.db-wal");
        byte[] sound = File.ReadAllBytes(log);
        for (long at = 0; at < ends[2]; at += 509)
        {
            byte before = sound[at];
            SqliteWorld.Scribble(log, at, (byte)(before ^ 0x10));
            await using (SqliteRecordStore store = new(crashed))
            {
                RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(() =>
                    SqliteWorld.ReadAsync(store));
                Assert.Contains(at < Head ? "the head of its log" : $"frame {1 + ((at - Head) / Frame)} of its log",
                    refused.Message, StringComparison.Ordinal);
                await Assert.ThrowsAsync<RecordStoreException>(() => store.CommitAsync(6, [], default));
            }
            SqliteWorld.Scribble(log, at, before);
            Assert.Equal(sound, File.ReadAllBytes(log));
        }
        Assert.Equal(5, (await SqliteWorld.ReadAsync(crashed)).Number);
    }

    // Frames of changes that went into the database long ago follow the new ones.
    [Fact]
    public async Task A_log_that_began_anew_over_an_old_one_is_no_damage()
    {
        string crashed;
        await using (SqliteRecordStore store = _world.Open())
        {
            await SqliteWorld.FillAsync(store, 40, rows: 400, valueBytes: 300);
            crashed = _world.CopyAsIs("crashed");
        }
        Assert.InRange(new FileInfo(Path.Combine(crashed, "book.db-wal")).Length, 3 << 20, 8 << 20);
        (long number, var rows) = await SqliteWorld.ReadAsync(crashed);
        Assert.Equal(40, number);
        Assert.Equal(16_000, rows.Count);
    }

    [Fact]
    public async Task A_log_without_its_database_is_not_given_to_a_new_one()
    {
        (string crashed, _) = await CrashedAsync(changes: 2);
        File.Delete(Path.Combine(crashed, "book.db"));
        await using SqliteRecordStore store = new(crashed);
        foreach (Func<Task> act in (Func<Task>[])[() => SqliteWorld.ReadAsync(store),
            () => store.CommitAsync(1, [], default)])
        {
            RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(act);
            Assert.Contains("it is not there any more, but its log book.db-wal is", refused.Message,
                StringComparison.Ordinal);
        }
        Assert.False(File.Exists(Path.Combine(crashed, "book.db")));
    }

    [Fact]
    public async Task A_backup_that_is_put_beside_the_log_of_what_it_replaces_is_refused_until_that_is_gone()
    {
        (string crashed, _) = await CrashedAsync(changes: 2);
        string database = Path.Combine(crashed, "book.db"), log = Path.Combine(crashed, "book.db-wal");
        await SqliteBackup.CopyAsync(_world.Folder, _world["backup"], default);
        File.Move(_world["backup"], database, overwrite: true);
        byte[] before = File.ReadAllBytes(log);
        RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(() =>
            SqliteWorld.ReadAsync(crashed));
        Assert.Contains("the log book.db-wal beside it is of another database, move it away", refused.Message,
            StringComparison.Ordinal);
        Assert.NotEmpty((await SqliteInspection.CheckAsync(crashed, default))!.Damages);
        await Assert.ThrowsAsync<RecordStoreException>(() =>
            SqliteBackup.CopyAsync(crashed, _world["another"], default));
        Assert.Equal(before, File.ReadAllBytes(log));
        File.Delete(log);
        Assert.Equal(3, (await SqliteWorld.ReadAsync(crashed)).Number);
    }

    // What a kill after these changes leaves, and where in the log each one ends.
    private async Task<(string Folder, List<long> Ends)> CrashedAsync(int changes)
    {
        List<long> ends = [];
        await using SqliteRecordStore store = _world.Open();
        await store.CommitAsync(1, [], default);
        await store.DisposeAsync();
        await using SqliteRecordStore again = _world.Open();
        for (int change = 2; change <= changes + 1; change++)
        {
            await again.CommitAsync(change, [.. Enumerable.Range(change * 10, 10)
                .Select(row => SqliteWorld.Row($"name-{row}", new string('a', 700)))], default);
            ends.Add(new FileInfo(_world.Log).Length);
        }
        return (_world.CopyAsIs("crashed"), ends);
    }

    private async Task IsRefusedAsync(string damage)
    {
        byte[] before = File.ReadAllBytes(_world.Database);
        await using (SqliteRecordStore store = _world.Open())
        {
            RecordStoreException refused = await Assert.ThrowsAsync<RecordStoreException>(() =>
                SqliteWorld.ReadAsync(store));
            Assert.Contains(damage, refused.Message, StringComparison.Ordinal);
            Assert.Contains(_world.Database, refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', refused.Message);
        }
        Assert.Equal(before, File.ReadAllBytes(_world.Database));
    }

    private void Execute(string sql, bool create = false)
    {
        using SqliteConnection connection = new(new SqliteConnectionStringBuilder
        {
            DataSource = _world.Database, Pooling = false,
            Mode = create ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadWrite,
        }.ToString());
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
