using System.Buffers.Binary;
using Microsoft.Data.Sqlite;

namespace MicroCdn.Records;

/// <summary>The statements that write a change, prepared once.</summary>
internal sealed class SqliteChanges : IDisposable
{
    private static readonly byte[] NoKey = [];

    // A kind in a box is made once, not with every row.
    private static readonly object[] Kinds = [.. Enumerable.Range(0, 256).Select(kind => (object)(long)kind)];
    private static readonly object NumberKind = (long)SqliteSchema.NumberKind;

    private readonly SqliteCommand _begin, _commit, _rollback, _number, _put, _remove;

    public SqliteChanges(SqliteConnection connection)
    {
        _begin = Prepare(connection, "BEGIN IMMEDIATE");
        _commit = Prepare(connection, "COMMIT");
        _rollback = Prepare(connection, "ROLLBACK");
        _number = Prepare(connection, $"SELECT value, check_sum FROM rows WHERE kind = {SqliteSchema.NumberKind}");
        _put = Prepare(connection, "INSERT INTO rows VALUES ($kind, $key, $value, $sum) ON CONFLICT DO UPDATE "
            + "SET value = excluded.value, check_sum = excluded.check_sum",
            ("$kind", SqliteType.Integer), ("$key", SqliteType.Blob), ("$value", SqliteType.Blob),
            ("$sum", SqliteType.Integer));
        _remove = Prepare(connection, "DELETE FROM rows WHERE kind = $kind AND key = $key",
            ("$kind", SqliteType.Integer), ("$key", SqliteType.Blob));
    }

    /// <summary>Begins a change: from here on nobody else writes.</summary>
    public void Begin() => _begin.ExecuteNonQuery();

    /// <summary>Makes the change durable.</summary>
    public void Commit() => _commit.ExecuteNonQuery();

    /// <summary>Takes the change back; nothing is left to take back after some errors.</summary>
    public void Rollback()
    {
        try
        {
            _rollback.ExecuteNonQuery();
        }
        catch (SqliteException)
        {
            // SQLite has done it by itself, or the next Begin says what is wrong.
        }
    }

    /// <summary>The number of the last change; -1 when the row that tells it is missing or damaged.</summary>
    public long ReadNumber()
    {
        using SqliteDataReader reader = _number.ExecuteReader();
        return reader.Read() ? SqliteRows.NumberOf(reader.GetFieldValue<byte[]>(0), reader.GetInt64(1)) : -1;
    }

    /// <summary>Writes the number of the last change.</summary>
    public void WriteNumber(long number)
    {
        byte[] value = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(value, number);
        Put(NumberKind, SqliteSchema.NumberKind, NoKey, value);
    }

    /// <summary>Writes a row, or takes it out.</summary>
    public void Write(in RecordRow row)
    {
        if (row.Value is { } value)
        {
            Put(Kinds[row.Kind], row.Kind, row.Key, value);
            return;
        }
        _remove.Parameters[0].Value = Kinds[row.Kind];
        _remove.Parameters[1].Value = row.Key;
        _remove.ExecuteNonQuery();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SqliteCommand command in (SqliteCommand[])[_begin, _commit, _rollback, _number, _put, _remove])
        {
            command.Dispose();
        }
    }

    private void Put(object boxed, int kind, byte[] key, byte[] value)
    {
        _put.Parameters[0].Value = boxed;
        _put.Parameters[1].Value = key;
        _put.Parameters[2].Value = value;
        _put.Parameters[3].Value = RowCheck.Of(kind, key, value);
        _put.ExecuteNonQuery();
    }

    private static SqliteCommand Prepare(
        SqliteConnection connection, string sql, params (string Name, SqliteType Type)[] parameters)
    {
        SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, SqliteType type) in parameters) command.Parameters.Add(name, type);
        command.Prepare();
        return command;
    }
}
