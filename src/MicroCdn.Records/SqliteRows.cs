using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MicroCdn.Records;

/// <summary>Reads every row of a database and finds those that are not as they were written.</summary>
internal static class SqliteRows
{
    // How many rows are read between two looks at whether somebody gave up.
    private const int Stride = 1024;

    /// <summary>Reads every row.</summary>
    /// <param name="connection">The open database.</param>
    /// <param name="take">Takes each row that is sound.</param>
    /// <param name="damaged">Hears of each that is not, in words; reading goes on when it returns.</param>
    /// <param name="token">Gives up.</param>
    /// <returns>The number of the last change.</returns>
    public static long Read(
        SqliteConnection connection, RowTaker take, Action<string> damaged, CancellationToken token)
    {
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(connection.Handle,
            "SELECT kind, key, value, check_sum FROM rows", out sqlite3_stmt statement), connection.Handle);
        using sqlite3_stmt open = statement;
        long number = -1;
        for (int row = 0; HasNext(connection, statement); row++)
        {
            // The rows where SQLite has them: two arrays for each of a million would be two million arrays.
            if (row % Stride == 0) token.ThrowIfCancellationRequested();
            long kind = raw.sqlite3_column_int64(statement, 0);
            ReadOnlySpan<byte> key = raw.sqlite3_column_blob(statement, 1);
            ReadOnlySpan<byte> value = raw.sqlite3_column_blob(statement, 2);
            if (Damage(kind, key, value, raw.sqlite3_column_int64(statement, 3)) is { } damage) damaged(damage);
            else if (kind == SqliteSchema.NumberKind) number = BinaryPrimitives.ReadInt64BigEndian(value);
            else take((byte)kind, key, value);
        }
        if (number < 0) damaged("the number of the last change is missing");
        return number;
    }

    // A reader of the library would ask for more with each row than the row costs.
    private static bool HasNext(SqliteConnection connection, sqlite3_stmt statement)
    {
        int code = raw.sqlite3_step(statement);
        if (code is raw.SQLITE_ROW or raw.SQLITE_DONE) return code == raw.SQLITE_ROW;
        SqliteException.ThrowExceptionForRC(code, connection.Handle);
        return false;
    }

    /// <summary>The number that a row tells; -1 when it is damaged.</summary>
    public static long NumberOf(byte[] value, long check) =>
        Damage(SqliteSchema.NumberKind, [], value, check) is null ? BinaryPrimitives.ReadInt64BigEndian(value) : -1;

    private static string? Damage(long kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long check)
    {
        if (kind is < SqliteSchema.NumberKind or > byte.MaxValue) return $"there is a row of kind {kind}";
        bool isNumber = kind == SqliteSchema.NumberKind;
        string? what = RowCheck.Of((int)kind, key, value) != check ? "is not as it was written"
            : key.Length > (isNumber ? 0 : RecordRow.MostKeyBytes) ? $"has a key of {key.Length} bytes"
            : value.Length > RecordRow.MostValueBytes ? $"has a value of {value.Length} bytes"
            : isNumber && !IsNumber(value) ? "holds no number"
            : null;
        if (what is null) return null;
        return isNumber ? $"the number of the last change {what}"
            : string.Create(CultureInfo.InvariantCulture, $"the row of kind {kind} with the key {Hex(key)} {what}");
    }

    private static bool IsNumber(ReadOnlySpan<byte> value) =>
        value.Length == sizeof(long) && BinaryPrimitives.ReadInt64BigEndian(value) >= 0;

    // Keys are the index's own; hexadecimal says them all, and no terminal obeys it.
    private static string Hex(ReadOnlySpan<byte> key) => key.Length <= 32 ? Convert.ToHexStringLower(key)
        : $"{Convert.ToHexStringLower(key[..32])}...";
}
