using System.Text;
using MicroCdn.Records;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>A process of its own that writes changes into a store until it is killed: this test program, with an
/// explicit test in it.</summary>
/// <remarks>What a change does follows from its number, so whoever looks afterwards knows what must be there.</remarks>
public sealed class RecordWriter
{
    private const string FolderVariable = "MICROCDN_TEST_RECORDS", MostVariable = "MICROCDN_TEST_CHANGES";
    private const int Keys = 40;

    [Fact(Explicit = true)]
    public async Task Writes_changes_and_says_of_each_that_it_is_committed()
    {
        string folder = Environment.GetEnvironmentVariable(FolderVariable)!;
        long most = long.Parse(Environment.GetEnvironmentVariable(MostVariable)!, null);
        await using SqliteRecordStore store = new(folder);
        long number = await store.LoadAsync((_, _, _) => { }, default);
        while (number < most)
        {
            number++;
            await store.CommitAsync(number, RowsOf(number), default);
            Console.WriteLine($"committed {number}");
        }
    }

    /// <summary>The command that runs it, with what stands before it, such as strace and its flags.</summary>
    internal static RunningProcess Start(Stage stage, string folder, long changes, params string[] before) =>
        stage.Run("env", [$"{FolderVariable}={folder}", $"{MostVariable}={changes}", .. before,
            Environment.ProcessPath!, "-noColor", "-explicit", "only", "-method",
            $"{typeof(RecordWriter).FullName}.{nameof(Writes_changes_and_says_of_each_that_it_is_committed)}"]);

    /// <summary>The last change that it called committed.</summary>
    internal static long LastCommitted(string output) => output.Split('\n')
        .Where(line => line.StartsWith("committed ", StringComparison.Ordinal))
        .Select(line => long.Parse(line.Split(' ')[1], null)).DefaultIfEmpty(0).Last();

    /// <summary>Looks what is there: every change that was called committed, perhaps the one that was being written,
    /// and of each all or nothing.</summary>
    internal static async Task<long> CheckAsync(string folder, long committed)
    {
        Dictionary<string, string> found = [], expected = [];
        await using SqliteRecordStore store = new(folder);
        long number = await store.LoadAsync((_, key, value) =>
            found.Add(Encoding.UTF8.GetString(key), Encoding.UTF8.GetString(value)), default);
        Assert.InRange(number, committed, committed + 1);
        for (long change = 1; change <= number; change++)
        {
            foreach (RecordRow row in RowsOf(change))
            {
                string key = Encoding.UTF8.GetString(row.Key);
                if (row.Value is { } value) expected[key] = Encoding.UTF8.GetString(value);
                else expected.Remove(key);
            }
        }
        Assert.Equal(expected.OrderBy(row => row.Key), found.OrderBy(row => row.Key));
        Assert.Empty((await SqliteInspection.CheckAsync(folder, default))?.Damages ?? []);
        return number;
    }

    private static RecordRow[] RowsOf(long number) =>
    [
        .. Enumerable.Range(0, 9).Select(row => new RecordRow(1, KeyOf((number * 7) + row),
            Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat($"{number} ", (int)(number * 37 % 1000)))))),
        new RecordRow(1, KeyOf((number * 7) + 9), null),
    ];

    private static byte[] KeyOf(long key) => Encoding.UTF8.GetBytes($"key-{key % Keys}");
}
