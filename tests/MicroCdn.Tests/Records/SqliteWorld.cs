using System.Text;
using MicroCdn.Records;
using MicroCdn.Testing;

namespace MicroCdn.Tests.Records;

/// <summary>A folder with a store in it, and what the store says.</summary>
internal sealed class SqliteWorld : IDisposable
{
    private readonly TempFolder _folder = new();

    /// <summary>Where the store is; the folder is not made in advance.</summary>
    public string Folder => _folder["state/index"];

    public string Database => Path.Combine(Folder, "book.db");

    public string Log => Path.Combine(Folder, "book.db-wal");

    /// <summary>A place beside it.</summary>
    public string this[string name] => _folder[name];

    public SqliteRecordStore Open() => new(Folder);

    /// <summary>A row with text for key and value; null takes it out.</summary>
    public static RecordRow Row(string key, string? value, byte kind = 1) =>
        new(kind, Encoding.UTF8.GetBytes(key), value is null ? null : Encoding.UTF8.GetBytes(value));

    /// <summary>Writes changes 1 to so many, of so many rows each.</summary>
    public async Task FillAsync(int changes, int rows = 10, int valueBytes = 100)
    {
        await using SqliteRecordStore store = Open();
        await FillAsync(store, changes, rows, valueBytes);
    }

    public static async Task FillAsync(IRecordStore store, int changes, int rows = 10, int valueBytes = 100)
    {
        for (int change = 1; change <= changes; change++)
        {
            int start = change * rows;
            await store.CommitAsync(change, [.. Enumerable.Range(start, rows)
                .Select(row => Row($"name-{row:D8}", new string((char)('a' + (row % 26)), valueBytes)))], default);
        }
    }

    /// <summary>Everything that a store holds, as text.</summary>
    public static async Task<(long Number, SortedDictionary<string, string> Rows)> ReadAsync(IRecordStore store)
    {
        SortedDictionary<string, string> rows = new(StringComparer.Ordinal);
        long number = await store.LoadAsync((kind, key, value) =>
            rows.Add($"{kind}/{Encoding.UTF8.GetString(key)}", Encoding.UTF8.GetString(value)), default);
        return (number, rows);
    }

    /// <summary>Everything that a folder's store holds.</summary>
    public static async Task<(long Number, SortedDictionary<string, string> Rows)> ReadAsync(string folder)
    {
        await using SqliteRecordStore store = new(folder);
        return await ReadAsync(store);
    }

    /// <summary>A copy of the folder as it is now: what a kill at this moment would leave.</summary>
    public string CopyAsIs(string name, string? of = null)
    {
        string copy = Directory.CreateDirectory(_folder[name]).FullName;
        foreach (string file in Directory.EnumerateFiles(of ?? Folder))
        {
            // The shared memory goes with the processes that share it; a lock with the one that held it.
            if (file.EndsWith("-shm", StringComparison.Ordinal)) continue;
            string path = Path.Combine(copy, Path.GetFileName(file));
            if (file.EndsWith(".lock", StringComparison.Ordinal)) File.WriteAllBytes(path, []);
            else File.Copy(file, path);
        }
        return copy;
    }

    /// <summary>Changes bytes of a file where they are.</summary>
    public static void Scribble(string path, long offset, params byte[] bytes)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = offset < 0 ? file.Length + offset : offset;
        file.Write(bytes);
    }

    public void Dispose() => _folder.Dispose();
}
