using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using MicroCdn.Records;
using MicroCdn.Storage;

namespace MicroCdn.Bench;

/// <summary>Times the store of an index's book on SQLite: commits, loading, and the memory that it takes.</summary>
internal static class RecordTimes
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "The index's book on SQLite: commits of 1, 100 and 10,000 rows of 100 bytes, each durable, "
        + "loading a million of them, backup and check, and memory (bar: loading in 1.5 s)";

    private const int KeyBytes = 50, ValueBytes = 50;

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        Machine.Say($"load average {Load()} at the start");
        int rows = settings.Quick ? 20_000 : 1_000_000;
        double before = Resident();
        SqliteRecordStore store = new(workspace.MakeFolder("first"));
        Wait(store.CommitAsync(1, [], default));
        double open = Resident();
        PrintCommits(settings, workspace, store);
        Wait(store.DisposeAsync().AsTask());
        string folder = workspace.MakeFolder("large");
        Fill(folder, rows);
        PrintLoads(settings, workspace, folder, rows, open - before);
    }

    private static void PrintCommits(Settings settings, Workspace workspace, SqliteRecordStore store)
    {
        Table table = new("Durable commits, one after the other", "rows", "commits a second", "rows a second",
            "ms, median", "ms, 99 of 100");
        RecordLog log = new(Path.Combine(workspace.MakeFolder("log"), "log"), null);
        log.Read(_ => { });
        byte[] small = new byte[KeyBytes + ValueBytes];
        Add(table, "a line and an fsync", 1, Repeat(settings, _ => log.Append(small)));
        long number = 1;
        foreach ((int rows, bool apart) in (ReadOnlySpan<(int, bool)>)[(1, true), (100, true), (10_000, false),
            (10_000, true)])
        {
            Machine.Say($"commits of {rows:N0} rows");
            Add(table, $"{rows:N0} {(apart ? "far apart" : "in a row")}", rows, Repeat(settings, _ =>
            {
                number++;
                Wait(store.CommitAsync(number, Rows(number * 10_000, rows, apart), default));
            }));
        }
        table.Print($"Rows of {KeyBytes + ValueBytes} bytes; load average {Load()} at the end.",
            "The first line is this project's own log on the same disk: what durable costs there.");
    }

    private static void PrintLoads(Settings settings, Workspace workspace, string folder, int rows, double opened)
    {
        List<double> loads = [], checks = [], backups = [];
        double least = double.MaxValue, most = 0;
        for (int round = 0; round < settings.Rounds; round++)
        {
            double before = Resident();
            SqliteRecordStore store = new(folder);
            int seen = 0;
            loads.Add(Seconds(() => Wait(store.LoadAsync((_, _, _) => seen++, default))));
            if (seen != rows) throw new BenchException($"{seen} rows were loaded of {rows}.");
            (least, most) = (Math.Min(least, Resident() - before), Math.Max(most, Resident() - before));
            string target = Path.Combine(workspace.Folder, $"backup-{round}");
            backups.Add(Seconds(() => Wait(SqliteBackup.CopyAsync(folder, target, default))));
            checks.Add(Seconds(() => Wait(SqliteInspection.CheckAsync(folder, default))));
            File.Delete(target);
            Wait(store.DisposeAsync().AsTask());
        }
        Table table = new($"{rows:N0} rows of {KeyBytes + ValueBytes} bytes", "what", "seconds");
        table.Add("load", Spread.Of(loads).Show("N2"));
        table.Add("check, beside it", Spread.Of(checks).Show("N2"));
        table.Add("backup with its check, beside it", Spread.Of(backups).Show("N2"));
        long bytes = new FileInfo(SqliteRecordStore.PathOf(folder)).Length;
        table.Print($"Medians (least-most), from the page cache; the database has {bytes >> 20:N0} MiB; load average "
            + $"{Load()} at the end.",
            string.Create(CultureInfo.InvariantCulture, $"Memory: the first commit added {opened:N1} MiB to this process,")
            + string.Create(CultureInfo.InvariantCulture, $" loading {least:N1} to {most:N1} MiB."));
    }

    private static void Fill(string folder, int rows)
    {
        const int Batch = 10_000;
        SqliteRecordStore store = new(folder);
        double seconds = Seconds(() =>
        {
            for (int done = 0; done < rows; done += Batch)
                Wait(store.CommitAsync((done / Batch) + 1, Rows(done, Batch), default));
        });
        Wait(store.DisposeAsync().AsTask());
        Machine.Say($"{rows:N0} rows were written in {seconds:N1} s");
    }

    private static RecordRow[] Rows(long first, int count, bool apart = true)
    {
        RecordRow[] rows = new RecordRow[count];
        for (int row = 0; row < count; row++)
        {
            byte[] key = new byte[KeyBytes], value = new byte[ValueBytes];
            // Times an odd number: each one has a key of its own, and neighbours lie far apart.
            long place = first + row;
            BinaryPrimitives.WriteInt64BigEndian(key, apart ? unchecked(place * -7046029254386353131) : place);
            BinaryPrimitives.WriteInt64BigEndian(value, first + row);
            rows[row] = new RecordRow(1, key, value);
        }
        return rows;
    }

    private static List<double> Repeat(Settings settings, Action<int> act)
    {
        List<double> times = [];
        long end = Stopwatch.GetTimestamp() + (long)(settings.Round.TotalSeconds * Stopwatch.Frequency);
        act(0);
        act(1);
        while (Stopwatch.GetTimestamp() < end || times.Count < 10) times.Add(Seconds(() => act(times.Count)));
        return times;
    }

    private static void Add(Table table, string what, int rows, List<double> times)
    {
        double[] sorted = [.. times.Order()];
        double rate = sorted.Length / sorted.Sum();
        table.Add(what, $"{rate:N0}", $"{rate * rows:N0}", $"{sorted[sorted.Length / 2] * 1000:N2}",
            $"{sorted[sorted.Length * 99 / 100] * 1000:N2}");
    }

    private static double Seconds(Action act)
    {
        long began = Stopwatch.GetTimestamp();
        act();
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static double Resident()
    {
        GC.Collect();
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }

    private static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    private static void Wait(Task task) => task.GetAwaiter().GetResult();
}
