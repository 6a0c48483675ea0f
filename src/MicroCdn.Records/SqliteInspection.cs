using MicroCdn.Storage;
using Microsoft.Data.Sqlite;

namespace MicroCdn.Records;

/// <summary>Looks whether a database of rows is as it was written, also beside the index that uses it.</summary>
public static class SqliteInspection
{
    // More lines say no more to anybody.
    private const int MostDamages = 100;

    /// <summary>Reads all of a folder's database: every page by SQLite's own check, every row by ours.</summary>
    /// <returns>What was found; null when the folder has no database.</returns>
    /// <exception cref="RecordStoreException">It cannot be read at all.</exception>
    public static Task<RecordFindings?> CheckAsync(string folder, CancellationToken cancellationToken) =>
        Task.Run(() => Check(SqliteRecordStore.PathOf(folder), cancellationToken), cancellationToken);

    internal static RecordFindings? Check(string path, CancellationToken token)
    {
        if (!File.Exists(path)) return null;
        List<string> damages = [];
        if (LogDamage(path) is { } damage) damages.Add(damage);
        using SqliteFile file = SqliteFile.OpenToRead(path);
        // One view of all, while the index goes on.
        Run(file, "BEGIN");
        long rows = 0, bytes = 0, number = -1;
        try
        {
            number = SqliteRows.Read(file.Connection, (_, key, value) =>
            {
                rows++;
                bytes += key.Length + value.Length;
            }, found => Add(damages, found), token);
            foreach (string found in Ask(file, $"PRAGMA integrity_check({MostDamages})")) Add(damages, found);
        }
        catch (SqliteException exception)
        {
            string found = SqliteFile.FirstDamage(path, file.Connection) ?? SqliteFile.Told(path, exception).Message;
            Add(damages, found);
        }
        return new RecordFindings(number, rows, bytes, damages);
    }

    // Only where nobody writes: what is being written looks torn.
    internal static string? LogDamage(string path)
    {
        try
        {
            string file = Path.Combine(Path.GetDirectoryName(path)!, SqliteFile.LockName);
            if (!File.Exists(file)) return SqliteLog.FindDamage(path);
            using FolderLock? mine = FolderLock.TryTake(file);
            return mine is null ? null : SqliteLog.FindDamage(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Whoever may not lock may still read.
            return null;
        }
    }

    private static void Add(List<string> damages, string found)
    {
        if (found != "ok" && damages.Count < MostDamages) damages.Add(SqliteFile.Line(found));
    }

    private static List<string> Ask(SqliteFile file, string sql)
    {
        using SqliteCommand command = file.Connection.CreateCommand();
        command.CommandText = sql;
        using SqliteDataReader reader = command.ExecuteReader();
        List<string> said = [];
        while (reader.Read()) said.Add(reader.GetString(0));
        return said;
    }

    private static void Run(SqliteFile file, string sql) => file.Guard(() => Ask(file, sql));
}

/// <summary>What a look at a database found.</summary>
/// <param name="Number">The number of the last change; -1 when it cannot be read.</param>
/// <param name="Rows">How many sound rows there are.</param>
/// <param name="Bytes">The bytes of their keys and values.</param>
/// <param name="Damages">What is wrong, a sentence each; none when all is well.</param>
public sealed record RecordFindings(long Number, long Rows, long Bytes, IReadOnlyList<string> Damages);
