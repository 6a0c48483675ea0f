using System.Text;
using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Caching.Store;

/// <summary>A store on a real folder, under a clock that stands still, and what tests do with it.</summary>
internal sealed class StoreWorld : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public StoreWorld(CacheStoreOptions? options = null, bool hasDisk = true)
    {
        Options = (options ?? new CacheStoreOptions()) with { Folder = hasDisk ? Folder : null, LeastFreeBytes = 0 };
        Store = Open();
    }

    public CacheStoreOptions Options { get; set; }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero));

    public LogBook Log { get; } = new();

    public CacheStore Store { get; private set; }

    public string Folder => _folder["cache"];

    /// <summary>The files of copies.</summary>
    public string[] Files => [.. Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories)
        .Where(path => Path.GetFileName(Path.GetDirectoryName(path)!).Length == 3).Order()];

    public string[] Parts => Directory.GetFiles(Path.Combine(Folder, "parts"));

    public static CacheKey Key(string path) => new($"http://origin.example:80{path}");

    public static StoredHead Head(string fields = "", string selecting = "") => new()
    {
        Status = 200,
        Fields = HeaderFields.FromLines(Encoding.Latin1.GetBytes(fields)),
        Selecting = HeaderFields.FromLines(Encoding.Latin1.GetBytes(selecting)),
        RequestedAt = 1_790_000_000,
        ReceivedAt = 1_790_000_000,
    };

    public static byte[] Bytes(int count, int seed = 1)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public CacheStore Open() => new(Options, Time, Log);

    /// <summary>As after kill -9: nothing is said to the store, and its lock is gone with its process.</summary>
    /// <param name="between">What happens to the folder before the next start.</param>
    public void Kill(Action? between = null)
    {
        Store.Listed.Wait();
        Store.Abandon();
        between?.Invoke();
        Store = Open();
    }

    public void Restart()
    {
        Store.Dispose();
        Store = Open();
    }

    public Copy? Put(string path, byte[] body, StoredHead? head = null, bool tellsLength = true)
    {
        using GrowingCopy growing =
            Store.Begin(Key(path), head ?? Head(), tellsLength ? body.Length : null, Store.Mark());
        foreach (byte[] piece in body.Chunk(50_000)) Write(growing, piece);
        return growing.Complete();
    }

    public static void Write(GrowingCopy growing, ReadOnlyMemory<byte> bytes)
    {
        ValueTask<bool> written = growing.WriteAsync(bytes);
        Assert.True(written.IsCompleted && written.Result);
    }

    public CopySet All(string path) => Store.FindAsync(Key(path)).AsTask().Result;

    /// <summary>A second passes: what was to be synced is, and a sweep that was due has swept.</summary>
    /// <remarks>A sweep that went on meanwhile would find that hours pass while it looks at one file.</remarks>
    public void PassSecond()
    {
        Time.Advance(TimeSpan.FromSeconds(1));
        Store.Swept.Wait();
    }

    public void WaitUntilListed() => Store.Listed.Wait();

    /// <summary>The byte that a copy is made of; null when there is none.</summary>
    public byte? ByteOf(string path) => Find(path) is { } copy ? Body(copy)[0] : null;

    public Copy? Find(string path)
    {
        CopySet copies = All(path);
        return copies.Copies.Length == 0 ? null : copies.Copies[0];
    }

    /// <summary>The whole body of a copy, from wherever it is.</summary>
    public static byte[] Body(Copy copy)
    {
        if (copy.TryMemory(0, copy.Length, out ReadOnlyMemory<byte> bytes)) return bytes.ToArray();
        return FromDisk(copy);
    }

    public static byte[] FromDisk(Copy copy)
    {
        SharedFile file = copy.Open() ?? throw new InvalidOperationException("no file");
        byte[] body = new byte[copy.Length];
        Assert.Equal(body.Length, file.Read(body, copy.BodyOffset));
        file.Release();
        return body;
    }

    public void Dispose()
    {
        Store.Dispose();
        _folder.Dispose();
    }
}
