using MicroCdn.Records;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>The database of an index among real processes: kills, a second process, and the verbs that look after
/// it.</summary>
public sealed class RecordStoreTests
{
    private const long Endless = long.MaxValue;

    [Fact]
    public async Task What_a_killed_process_called_committed_is_there_and_the_folder_is_free()
    {
        await using Stage stage = new();
        string folder = Path.Combine(stage.Folder, "state");
        long number = 0;
        for (int kill = 1; kill <= 5; kill++)
        {
            RunningProcess writer = RecordWriter.Start(stage, folder, Endless);
            await writer.UntilLineAsync($"committed {number + (kill * 13)}", TimeSpan.FromMinutes(1));
            writer.Kill();
            await writer.UntilEndAsync();
            number = await RecordWriter.CheckAsync(folder, RecordWriter.LastCommitted(writer.Output));
        }
    }

    [Fact]
    public async Task While_one_process_writes_another_is_refused_and_checks_and_backups_are_made()
    {
        await using Stage stage = new();
        string folder = Path.Combine(stage.Folder, "state");
        RunningProcess writer = RecordWriter.Start(stage, folder, Endless);
        await writer.UntilLineAsync("committed 20", TimeSpan.FromMinutes(1));
        await using (SqliteRecordStore second = new(folder))
        {
            WriterLostException refused = await Assert.ThrowsAsync<WriterLostException>(() =>
                second.LoadAsync((_, _, _) => { }, default));
            Assert.StartsWith($"another process uses the folder '{folder}': end it first", refused.Message,
                StringComparison.Ordinal);
        }
        for (int copy = 1; copy <= 3; copy++)
        {
            await SaysAsync(stage, 0, "sound: ", "index", "check", "--data", folder);
            await SaysAsync(stage, 0, $"saved copies/{copy}/book.db (", "index", "backup", $"copies/{copy}/book.db",
                "--data", folder);
            string saved = Path.Combine(stage.Folder, "copies", $"{copy}");
            Assert.Equal(["book.db"], Directory.GetFiles(saved).Select(Path.GetFileName));
            long number = await NumberAsync(saved);
            await RecordWriter.CheckAsync(saved, number);
        }
        Assert.False(writer.HasExited, writer.Output);
        writer.Kill();
        await writer.UntilEndAsync();
        await RecordWriter.CheckAsync(folder, RecordWriter.LastCommitted(writer.Output));
    }

    [Fact]
    public async Task Each_end_of_a_check_and_of_a_backup_has_its_code_and_one_sentence()
    {
        await using Stage stage = new();
        string folder = Path.Combine(stage.DataFolder, "microcdn", "index");
        string nothing = $"microcdn: there is no database in '{folder}': nothing was published there yet, or --data is "
            + "another one.";
        await SaysAsync(stage, 3, nothing, "index", "check");
        await SaysAsync(stage, 3, nothing, "index", "backup", "copy.db");
        await SaysAsync(stage, 2, "microcdn: Required argument 'FILE' missing", "index", "backup");

        // The folder by default is the one that an index uses by default.
        await using (SqliteRecordStore store = new(folder))
        {
            await store.CommitAsync(1, [new RecordRow(1, "qqq"u8.ToArray(), new byte[1000])], default);
        }
        await SaysAsync(stage, 0, "sound: 1 rows, 1003 B, change 1", "index", "check");
        await SaysAsync(stage, 0, "saved copy.db (1 rows, 1003 B, change 1)", "index", "backup", "copy.db");
        await SaysAsync(stage, 2, "microcdn: 'copy.db' exists and is left as it is; name another.",
            "index", "backup", "copy.db");
        await SaysAsync(stage, 1, "microcdn: ", "index", "backup", "copy.db/below");

        string database = Path.Combine(folder, "book.db");
        byte[] bytes = await File.ReadAllBytesAsync(database);
        bytes.AsSpan(bytes.AsSpan().IndexOf("qqq"u8) + 100, 1).Fill(1);
        await File.WriteAllBytesAsync(database, bytes);
        await SaysAsync(stage, 1, $"microcdn: '{folder}': the row of kind 1 with the key 717171 is not as it was "
            + "written.", "index", "check");
        await SaysAsync(stage, 1, $"microcdn: the database '{database}' is damaged: the row of kind 1",
            "index", "backup", "bad.db");
        Assert.Equal(["copy.db"], Directory.GetFiles(stage.Folder).Select(Path.GetFileName));
        await File.WriteAllTextAsync(database, "This is no database at all, however long it is.");
        await SaysAsync(stage, 1, $"microcdn: the database '{database}' is damaged: it is no SQLite database",
            "index", "check");
    }

    [Fact]
    public async Task The_commands_of_the_page_do_what_they_promise()
    {
        await using Stage stage = new();
        string folder = Path.Combine(stage.Folder, "index");
        await using (SqliteRecordStore store = new(folder))
        {
            await store.CommitAsync(1, [new RecordRow(1, "key"u8.ToArray(), "value"u8.ToArray())], default);
        }
        string page = await File.ReadAllTextAsync(Path.Combine(Top(), "docs/reliability.md"));
        string[] blocks = page.Split("\n## What an index must not forget\n")[1].Split("\n## ")[0].Split("```");
        foreach (string block in (string[])[blocks[1], $"printf damage > {folder}/book.db\n{blocks[3]}"])
        {
            string script = block.Replace("/srv/index", folder, StringComparison.Ordinal);
            RunningProcess shell = stage.Run("bash", "-ec",
                $"shopt -s expand_aliases; alias microcdn='{Stage.MicroCdnProgram}'\n{script}");
            Assert.True(await shell.UntilEndAsync() == 0, shell.Output);
            Assert.Contains("sound: 1 rows, 8 B, change 1", shell.Output, StringComparison.Ordinal);
        }
    }

    private static string Top()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MicroCdn.slnx"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    // The word for the verb may also be a folder's name.
    [Fact]
    public async Task The_role_runs_as_before_also_in_a_folder_called_check()
    {
        await using Stage stage = new();
        RunningProcess index = await stage.IndexAsync("--data", "check");
        Assert.Contains("listens on", index.Output, StringComparison.Ordinal);
    }

    private static async Task<long> NumberAsync(string folder)
    {
        await using SqliteRecordStore store = new(folder);
        return await store.LoadAsync((_, _, _) => { }, default);
    }

    private static async Task SaysAsync(Stage stage, int code, string sentence, params string[] arguments)
    {
        RunningProcess verb = stage.MicroCdn(arguments);
        int ended = await verb.UntilEndAsync(TimeSpan.FromMinutes(1));
        Assert.True(ended == code, $"{string.Join(' ', arguments)}: {ended} and {verb.Output}");
        Assert.StartsWith(sentence, verb.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", verb.Output, StringComparison.Ordinal);
    }
}
