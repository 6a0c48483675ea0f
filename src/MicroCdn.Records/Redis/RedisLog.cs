using System.Buffers.Binary;
using System.Globalization;
using StackExchange.Redis;

namespace MicroCdn.Records.Redis;

/// <summary>One change as it stands in the log: sound, and in its place.</summary>
internal readonly record struct LogEntry(KnownChange Change, byte[] Block)
{
    /// <summary>Its rows as others know them.</summary>
    public RecordChange ToChange()
    {
        List<RecordRow> rows = [];
        RowBlock.RowReader reader = RowBlock.Read(Block);
        while (reader.Next())
        {
            rows.Add(new RecordRow(reader.Kind, reader.Key.ToArray(), reader.IsGone ? null : reader.Value.ToArray()));
        }
        return new RecordChange(Change.Number, rows);
    }
}

/// <summary>The log of changes, from its reader's side: every entry that it hands out was checked.</summary>
internal sealed class RedisLog(RedisLink link)
{
    // One answer is at most this and one change more.
    private const int Enough = 1 << 20;

    /// <summary>The changes behind one, as many as fit into an answer; none at the end of the log.</summary>
    /// <param name="after">The change that is known; number 0 is before the first.</param>
    /// <param name="patient">Asks again while Redis is away.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null when that change is not, or not any more, in the log, or is not the one that is known.</returns>
    /// <exception cref="RecordStoreException">An entry is damaged, missing or none of ours.</exception>
    public async Task<IReadOnlyList<LogEntry>?> ReadAsync(
        LogStart after, bool patient, CancellationToken cancellationToken)
    {
        Task<RedisResult> Ask(IDatabase database) => database.ScriptEvaluateAsync(
            RedisScripts.Follow, [link.Keys.Log], [after.Number, Enough], CommandFlags.DemandMaster);
        Task<RedisResult> asked =
            patient ? link.AskAsync(Ask, cancellationToken) : link.AskOnceAsync(Ask, cancellationToken);
        RedisResult[] answer = (RedisResult[])(await asked.ConfigureAwait(false))!;
        string word = (string)answer[0]!;
        if (word == "gone") return null;
        if (word == "foreign") throw Foreign((string)answer[1]!);
        KnownChange last = new(after.Number, BinaryPrimitives.ReadUInt64LittleEndian((byte[])answer[1]!));
        if (after.Check is { } known && known != last.Check) return null;
        List<LogEntry> entries = [];
        foreach (RedisResult result in (RedisResult[])answer[2]!)
        {
            RedisResult[] entry = (RedisResult[])result!;
            string id = (string)entry[0]!;
            if (!TryReadId(id, out long number) || !long.TryParse((string)entry[1]!, out long epoch)) throw Foreign(id);
            if (last.Number == 0 && number != 1) return null;
            if (number != last.Number + 1)
            {
                throw new RecordStoreException($"change {last.Number + 1} is missing in {link.Keys.Log} on Redis; "
                    + $"{number} is there");
            }
            byte[] block = (byte[])entry[2]!;
            if (!RowBlock.IsSound(block, new BlockPlace(last.Check, number, epoch)))
            {
                throw new RecordStoreException($"change {number} in {link.Keys.Log} on Redis is damaged");
            }
            last = new KnownChange(number, RowBlock.CheckOf(block));
            entries.Add(new LogEntry(last, block));
        }
        return entries;
    }

    private RecordStoreException Foreign(string id) =>
        new($"{link.Keys.Log} on Redis holds an entry, {id}, that no index wrote");

    private static bool TryReadId(string id, out long number)
    {
        number = 0;
        return id.EndsWith("-0", StringComparison.Ordinal)
            && long.TryParse(id.AsSpan(..^2), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}

/// <summary>Where reading the log begins: behind a change, with its check where that is known.</summary>
internal readonly record struct LogStart(long Number, ulong? Check)
{
    public static LogStart After(KnownChange change) => new(change.Number, change.Check);
}
