using System.Globalization;
using MicroCdn.Storage;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MicroCdn.Records;

/// <summary>A database of rows that was opened, and what goes wrong with it in sentences.</summary>
internal sealed class SqliteFile : IDisposable
{
    /// <summary>What the files are called in their folder.</summary>
    public const string Name = "book.db", LockName = "book.lock";

    // Checks and backups read beside the writer and are never waited for; a person with another tool may be.
    private const int PatienceSeconds = 5;

    // SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, SQLITE_CHECKPOINT_*, SQLITE_DBSTATUS_CACHE_WRITE
    private const int KeepLogOnClose = 1006, Passive = 0, Truncate = 3, PagesWritten = 9;

    private readonly string _path;

    private SqliteFile(string path, SqliteConnection connection) => (_path, Connection) = (path, connection);

    public SqliteConnection Connection { get; }

    /// <summary>Opens a database that is there, for the one process that writes it; whoever calls has the
    /// lock.</summary>
    /// <exception cref="RecordStoreException">It is damaged, or cannot be opened.</exception>
    public static SqliteFile OpenToWrite(string path)
    {
        if (SqliteLog.FindDamage(path) is { } damage) throw Damaged(path, damage);
        SqliteFile file = Open(path, SqliteOpenMode.ReadWrite);
        try
        {
            file.KeepLog(true);
            // Written back on our word alone: the automatic one keeps to itself when the disk refuses.
            file.Ask("PRAGMA wal_autocheckpoint = 0");
            file.Ask("PRAGMA synchronous = FULL");
            file.Ask("PRAGMA journal_size_limit = 67108864");
            file.Require("PRAGMA journal_mode = WAL", "wal", "cannot be written in the way that is needed");
            // What an earlier process wrote and did not live to see durable is durable before anything follows it.
            file.Guard(() => file.WriteBack(Truncate));
            file.KeepLog(false);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Opens a database that is there for reading, beside the process that writes it.</summary>
    /// <exception cref="RecordStoreException">It is damaged, or cannot be opened.</exception>
    public static SqliteFile OpenToRead(string path) => Open(path, SqliteOpenMode.ReadOnly);

    /// <summary>How many pages were written since it was opened.</summary>
    public int Written
    {
        get
        {
            raw.sqlite3_db_status(Connection.Handle, PagesWritten, out int pages, out _, 0);
            return pages;
        }
    }

    /// <summary>Moves what the log holds into the database, as far as nobody reads the log.</summary>
    /// <exception cref="SqliteException">The disk refused.</exception>
    public void WriteBack() => WriteBack(Passive);

    /// <summary>Whether the log is left as it is when the database is closed: a disk that failed is not written
    /// to.</summary>
    public void KeepLog(bool isKept) =>
        raw.sqlite3_db_config(Connection.Handle, KeepLogOnClose, isKept ? 1 : 0, out _);

    /// <summary>Runs something, with what SQLite says about it as a sentence.</summary>
    public T Guard<T>(Func<T> action) => Guard(_path, action);

    /// <inheritdoc cref="Guard{T}(Func{T})"/>
    public void Guard(Action action) => Guard(() =>
    {
        action();
        return true;
    });

    /// <inheritdoc/>
    public void Dispose() => Connection.Dispose();

    /// <summary>True when the disk refused to keep something.</summary>
    public static bool IsUnkept(SqliteException exception) => exception.SqliteExtendedErrorCode
        is raw.SQLITE_IOERR_FSYNC or raw.SQLITE_IOERR_DIR_FSYNC;

    /// <summary>A failure of SQLite as a sentence.</summary>
    public static RecordStoreException Told(string path, SqliteException exception, bool isUncertain = false)
    {
        string reason = raw.sqlite3_errstr(exception.SqliteExtendedErrorCode).utf8_to_string();
        return exception.SqliteErrorCode switch
        {
            raw.SQLITE_NOTADB => Damaged(path, "it is no SQLite database, or its first page is damaged", exception),
            raw.SQLITE_CORRUPT => Damaged(path, reason, exception),
            raw.SQLITE_FULL => new($"no room is left on the disk for '{path}': nothing was written",
                new DiskFullException(path, exception)),
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => new(
                $"another program than microcdn writes to '{path}': nothing was written", exception),
            _ when IsUnkept(exception) => new($"the disk did not keep '{path}' ({reason}): nothing more is written to "
                + "it until the program is started anew", exception)
            { IsUncertain = isUncertain },
            _ => new(string.Create(CultureInfo.InvariantCulture,
                $"'{path}' cannot be used: {reason} ({exception.SqliteExtendedErrorCode})"), exception)
            { IsUncertain = isUncertain },
        };
    }

    /// <summary>A database that is not as it was written.</summary>
    public static RecordStoreException Damaged(string path, string damage, Exception? inner = null) =>
        new($"the database '{path}' is damaged: {damage.TrimEnd('.')}; it is left as it is, and a backup of it can "
            + "be put in its place", inner);

    /// <summary>The first thing that SQLite itself finds wrong, when something is.</summary>
    public static string? FirstDamage(string path, SqliteConnection connection)
    {
        try
        {
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "PRAGMA integrity_check(1)";
            return command.ExecuteScalar() is string text and not "ok" ? Line(text) : null;
        }
        catch (SqliteException exception)
        {
            return Told(path, exception).Message;
        }
    }

    /// <summary>What SQLite found, on one line and without what is the same each time.</summary>
    public static string Line(string found) => found.Replace("*** in database main ***\n", "", StringComparison.Ordinal)
        .ReplaceLineEndings(", ");

    private static SqliteFile Open(string path, SqliteOpenMode mode)
    {
        // Empty is damage: a database gets its name when it is whole.
        if (new FileInfo(path) is { Exists: true, Length: 0 }) throw Damaged(path, "it is empty");
        SqliteFile file = new(path, new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = PatienceSeconds,
        }.ToString()));
        try
        {
            file.Guard(file.Connection.Open);
            file.Ask($"PRAGMA busy_timeout = {PatienceSeconds * 1000}");
            // A cell that reaches out of its page is found where it is read.
            file.Ask("PRAGMA cell_size_check = ON");
            file.Require("PRAGMA application_id", $"{SqliteSchema.ApplicationId}",
                "is the database of another program, or its first page is damaged");
            string version = file.Ask("PRAGMA user_version");
            if (version != $"{SqliteSchema.Version}")
            {
                throw new RecordStoreException($"the database '{path}' has layout {version}, and this microcdn knows "
                    + $"{SqliteSchema.Version}: use the microcdn that wrote it, or a newer one");
            }
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private void WriteBack(int mode) => SqliteException.ThrowExceptionForRC(
        raw.sqlite3_wal_checkpoint_v2(Connection.Handle, "main", mode, out _, out _) is var code
            and not raw.SQLITE_BUSY ? code : raw.SQLITE_OK, Connection.Handle);

    private string Ask(string sql) => Guard(() =>
    {
        using SqliteCommand command = Connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture) ?? "";
    });

    private void Require(string sql, string wanted, string otherwise)
    {
        if (Ask(sql) is var said && said != wanted)
        {
            throw new RecordStoreException($"'{_path}' {otherwise} ({sql.Split(' ')[1]} is {said})");
        }
    }

    private static T Guard<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (SqliteException exception)
        {
            throw Told(path, exception);
        }
    }
}
