using StackExchange.Redis;

namespace MicroCdn.Records.Redis;

/// <summary>Makes the next snapshot beside the one that counts, and lets it take that one's place.</summary>
internal sealed class SnapshotMaking
{
    private const int PartBytes = 256 * 1024;

    // One that was begun and left goes by itself; the old one stays for whoever is reading it.
    private static readonly TimeSpan Unfinished = TimeSpan.FromHours(1), Farewell = TimeSpan.FromMinutes(10);

    private readonly RedisLink _link;
    private readonly BookReading _book;
    private readonly string _key;
    private readonly RowBlock.Draft _draft = new(PartBytes + (16 * 1024));
    private readonly List<byte[]> _ready = [];
    private int _parts;
    private long _bytes;

    private SnapshotMaking(RedisLink link, BookReading book, string token) =>
        (_link, _book, _key) = (link, book, link.Keys.Parts(book.Last.Number, token));

    /// <summary>Makes one; returns how many bytes it has, and those of the log that it stands for.</summary>
    /// <exception cref="WriterLostException">Another process is the writer.</exception>
    /// <exception cref="RecordStoreException">It could not be made; the old one counts on.</exception>
    public static async Task<(long Bytes, long LogBytes)> MakeAsync(
        RedisLink link, RedisLog log, string token, CancellationToken cancellationToken)
    {
        BookReading book = await BookReading.OpenAsync(link, log, cancellationToken).ConfigureAwait(false);
        if (book.LogBytes == 0) return (0, 0);
        SnapshotMaking making = new(link, book, token);
        await link.AskAsync(database => database.KeyDeleteAsync(making._key), cancellationToken).ConfigureAwait(false);
        await book.DeliverAsync(making.Take, () => making.StoreAsync(cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        making.Close();
        await making.StoreAsync(cancellationToken).ConfigureAwait(false);
        await making.SwitchAsync(token, cancellationToken).ConfigureAwait(false);
        return (making._bytes, book.LogBytes);
    }

    private SnapshotPointer Pointer => new(_book.Last, _parts, _key);

    private void Take(byte kind, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        _draft.Add(kind, key, value, isGone: false);
        if (_draft.Length >= PartBytes) Close();
    }

    private void Close()
    {
        if (_draft.IsEmpty) return;
        _ready.Add(_draft.Close(Pointer.PlaceOf(_parts + _ready.Count)));
    }

    private async Task StoreAsync(CancellationToken cancellationToken)
    {
        foreach (byte[] block in _ready)
        {
            int part = _parts++;
            await _link.AskAsync(async database =>
            {
                await database.HashSetAsync(_key, part, block).ConfigureAwait(false);
                return await database.KeyExpireAsync(_key, Unfinished).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
            _bytes += block.Length;
        }
        _ready.Clear();
    }

    private async Task SwitchAsync(string token, CancellationToken cancellationToken)
    {
        RedisKeys keys = _link.Keys;
        SnapshotPointer? old = _book.From;
        RedisResult[] answer = await _link.RunAsync(RedisScripts.Switch,
            [keys.Snapshot, _key, old?.Key ?? keys.Snapshot, keys.Log, keys.Writer],
            [token, old?.ToString() ?? "", Pointer.ToString(), _parts, old?.Change.Number ?? 0,
                (long)Farewell.TotalMilliseconds],
            cancellationToken).ConfigureAwait(false);
        switch ((string?)answer[0])
        {
            case "ok":
                return;
            case "lost":
                throw new WriterLostException("another index is the writer; the snapshot is dropped");
            default:
                throw new RecordStoreException($"the snapshot {_key} on Redis is not as it was written; it is dropped");
        }
    }
}
