using CsCheck;
using MicroCdn.Records;

namespace MicroCdn.Tests.Records;

/// <summary>Whatever is changed, and wherever the process is killed, the rows are those of a dictionary.</summary>
public sealed class SqliteModelTests
{
    // Few keys, so that they are changed and taken out again; small and large values, inside a page and over several.
    private static readonly Gen<RecordRow> Rows = Gen.Select(Gen.Byte[0, 2], Gen.Int[0, 30], Gen.Int[-1, 6],
        (kind, key, size) => new RecordRow(kind, [(byte)key, .. new byte[key * 20]],
            size < 0 ? null : [.. Enumerable.Repeat((byte)key, size * size * size * 40)]));

    private static readonly Gen<RecordRow[]> Changes = Rows.Array[0, 12]
        .Select(rows => rows.DistinctBy(row => Key(row.Kind, row.Key)).ToArray());

    private enum Then
    {
        Nothing, Restart, Kill, Reload,
    }

    [Fact]
    public void Changes_restarts_and_kills_leave_what_a_dictionary_would_hold() =>
        Gen.Select(Changes, Gen.Enum<Then>()).Array[1, 25].Sample(steps =>
        {
            using SqliteWorld world = new();
            PlayAsync(world, steps).GetAwaiter().GetResult();
        }, iter: 15, threads: 1);

    // The log is cut at every frame: what a kill or a power cut leaves of a change that was being written.
    [Fact]
    public void A_change_that_was_being_written_is_whole_or_absent() => Changes.Array[2, 4].Sample(changes =>
    {
        using SqliteWorld world = new();
        TearAsync(world, changes).GetAwaiter().GetResult();
    }, iter: 6, threads: 1);

    private static async Task PlayAsync(SqliteWorld world, (RecordRow[] Rows, Then Then)[] steps)
    {
        Dictionary<string, byte[]> model = [];
        string folder = world.Folder;
        SqliteRecordStore store = new(folder);
        for (int step = 0; step < steps.Length; step++)
        {
            await store.CommitAsync(step + 1, steps[step].Rows, default);
            Apply(model, steps[step].Rows);
            if (steps[step].Then == Then.Nothing) continue;
            if (steps[step].Then == Then.Kill)
            {
                string left = world.CopyAsIs($"killed-{step}", folder);
                await store.DisposeAsync();
                folder = left;
                store = new SqliteRecordStore(folder);
            }
            else if (steps[step].Then == Then.Restart)
            {
                await store.DisposeAsync();
                store = new SqliteRecordStore(folder);
            }
            Assert.Equal(step + 1, await SameAsync(store, model));
        }
        Assert.Equal(steps.Length, await SameAsync(store, model));
        await store.DisposeAsync();
        Assert.Empty((await SqliteInspection.CheckAsync(folder, default))!.Damages);
    }

    private static async Task TearAsync(SqliteWorld world, RecordRow[][] changes)
    {
        List<Dictionary<string, byte[]>> after = [[]];
        List<long> ends = [];
        await using SqliteRecordStore store = world.Open();
        foreach (RecordRow[] rows in changes)
        {
            await store.CommitAsync(after.Count, rows, default);
            after.Add(new Dictionary<string, byte[]>(after[^1]));
            Apply(after[^1], rows);
            ends.Add(new FileInfo(world.Log).Length);
        }
        string killed = world.CopyAsIs("killed");
        byte[] log = File.ReadAllBytes(Path.Combine(killed, "book.db-wal"));
        for (int cut = 32; cut <= log.Length; cut += 4096 + 24)
        {
            string torn = world[$"torn-{cut}"];
            Directory.CreateDirectory(torn);
            File.Copy(Path.Combine(killed, "book.db"), Path.Combine(torn, "book.db"));
            File.WriteAllBytes(Path.Combine(torn, "book.db-wal"), log[..cut]);
            await using SqliteRecordStore left = new(torn);
            int whole = ends.Count(end => end <= cut);
            Assert.Equal(whole, await SameAsync(left, after[whole]));
            // And what comes next is kept.
            if (whole < changes.Length) await left.CommitAsync(whole + 1, changes[whole], default);
            else continue;
            Assert.Equal(whole + 1, await SameAsync(left, after[whole + 1]));
        }
    }

    private static void Apply(Dictionary<string, byte[]> model, RecordRow[] rows)
    {
        foreach (RecordRow row in rows)
        {
            if (row.Value is { } value) model[Key(row.Kind, row.Key)] = value;
            else model.Remove(Key(row.Kind, row.Key));
        }
    }

    private static async Task<long> SameAsync(SqliteRecordStore store, Dictionary<string, byte[]> model)
    {
        Dictionary<string, byte[]> found = [];
        long number = await store.LoadAsync((kind, key, value) => found.Add(Key(kind, key), value.ToArray()), default);
        Assert.Equal(model.Keys.Order(), found.Keys.Order());
        Assert.All(model, row => Assert.Equal(row.Value, found[row.Key]));
        return number;
    }

    private static string Key(byte kind, ReadOnlySpan<byte> key) => $"{kind}/{Convert.ToHexString(key)}";
}
