using System.Runtime.InteropServices;
using MicroCdn.Storage;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MicroCdn.Records;

/// <summary>How the database is laid out, and the file that a new one begins as.</summary>
/// <remarks>One table of rows. The number of the last change is a row of it too, of a kind that no other row has, so
/// that the same statement writes it and the same check covers it.</remarks>
internal static class SqliteSchema
{
    /// <summary>The layout's version, in the database's user_version. A program that knows a lower one refuses
    /// it.</summary>
    public const int Version = 1;

    /// <summary>"MCDN" as the database's application_id: another program's database is not taken for ours.</summary>
    public const int ApplicationId = 0x4D43444E;

    /// <summary>The kind of the row that holds the number of the last change; those of others are 0 to 255.</summary>
    public const int NumberKind = -1;

    private const string Sql = """
        PRAGMA application_id = 0x4D43444E;
        PRAGMA user_version = 1;
        CREATE TABLE rows (
            kind INTEGER NOT NULL,
            key BLOB NOT NULL,
            value BLOB NOT NULL,
            check_sum INTEGER NOT NULL,
            PRIMARY KEY (kind, key)
        ) WITHOUT ROWID;
        """;

    /// <summary>Puts an empty database in place, durably, open to its owner alone; the folders above it are
    /// made.</summary>
    /// <remarks>It is made in memory and written as a whole: whatever has the name is a whole database, so that an
    /// empty file is known for the damage that it is.</remarks>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public static void Create(string path)
    {
        using SqliteConnection memory = new("Data Source=:memory:;Pooling=False");
        memory.Open();
        using (SqliteCommand command = memory.CreateCommand())
        {
            command.CommandText = Sql;
            command.ExecuteNonQuery();
        }
        using (SqliteChanges changes = new(memory)) changes.WriteNumber(0);
        nint bytes = raw.sqlite3_serialize(memory.Handle, "main", out long size, 0);
        byte[] database = new byte[size];
        Marshal.Copy(bytes, database, 0, database.Length);
        raw.sqlite3_free(bytes);
        using AtomicFile file = AtomicFile.CreatePrivate(path);
        file.Write(database);
        file.Commit();
    }
}
