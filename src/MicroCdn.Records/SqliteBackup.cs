using System.Security.Cryptography;
using MicroCdn.Storage;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MicroCdn.Records;

/// <summary>Copies a database of rows into one file, also beside the index that uses it.</summary>
public static class SqliteBackup
{
    // 4 MiB between two looks at whether somebody gave up.
    private const int PagesAtOnce = 1000;

    /// <summary>Copies a folder's database as it is at one moment, and checks the copy.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="target">The new file, open to its owner alone. It is durable when this returns; before that it
    /// does not have its name.</param>
    /// <param name="cancellationToken">Gives up; nothing is left.</param>
    /// <returns>What the copy holds; null when the folder has no database.</returns>
    /// <exception cref="RecordStoreException">The database is damaged, or cannot be read.</exception>
    /// <exception cref="IOException">The target is there already, or cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The target may not be written.</exception>
    public static Task<RecordFindings?> CopyAsync(string folder, string target, CancellationToken cancellationToken) =>
        Task.Run(() => Copy(SqliteRecordStore.PathOf(folder), target, cancellationToken), cancellationToken);

    private static RecordFindings? Copy(string path, string target, CancellationToken token)
    {
        if (!File.Exists(path)) return null;
        if (SqliteInspection.LogDamage(path) is { } damaged) throw SqliteFile.Damaged(path, damaged);
        using SqliteFile source = SqliteFile.OpenToRead(path);
        using FinishedFile file = FinishedFile.Begin(target, RandomNumberGenerator.GetHexString(12, lowercase: true));
        source.Guard(() =>
        {
            using SqliteConnection copy = new(new SqliteConnectionStringBuilder
            {
                DataSource = file.Path, Mode = SqliteOpenMode.ReadWrite, Pooling = false,
            }.ToString());
            copy.Open();
            // It is made durable as a whole, or nothing is left of it.
            Run(copy, "PRAGMA synchronous = OFF");
            Run(copy, "PRAGMA journal_mode = OFF");
            Copy(source.Connection, copy, token);
            // One file, without a log beside it.
            Run(copy, "PRAGMA journal_mode = DELETE");
        });
        RecordFindings findings = SqliteInspection.Check(file.Path, token)!;
        if (findings.Damages is [var damage, ..]) throw SqliteFile.Damaged(path, damage);
        file.Commit();
        return findings;
    }

    private static void Copy(SqliteConnection source, SqliteConnection copy, CancellationToken token)
    {
        // What is read once stays as it is until the end: a change in between would make the copy begin anew.
        Run(source, "BEGIN");
        Run(source, "SELECT count(*) FROM sqlite_schema");
        using sqlite3_backup backup = raw.sqlite3_backup_init(copy.Handle, "main", source.Handle, "main");
        if (backup.IsInvalid) SqliteException.ThrowExceptionForRC(raw.sqlite3_errcode(copy.Handle), copy.Handle);
        int said;
        while ((said = raw.sqlite3_backup_step(backup, PagesAtOnce)) == raw.SQLITE_OK)
        {
            token.ThrowIfCancellationRequested();
        }
        if (said != raw.SQLITE_DONE) SqliteException.ThrowExceptionForRC(said, copy.Handle);
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteScalar();
    }
}
