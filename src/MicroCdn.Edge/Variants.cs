using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Edge;

/// <summary>Makes the compressed forms of files, each once, and keeps them on disk.</summary>
/// <remarks>
/// A form is found by the digest of the uncompressed bytes, so it outlives renames and restarts and is never the form
/// of other bytes: whoever compresses checks the digest on the way. That a file does not get smaller is kept too, as a
/// form of no bytes. Like a pantry: what nobody has asked for longest makes room.
/// </remarks>
internal sealed partial class Variants : IAsyncDisposable
{
    /// <summary>The room for all forms together where nobody says otherwise: 1 GiB.</summary>
    public const long DefaultBytes = 1L << 30;

    // At once: more would take the processor from deliveries. Waiting: each holds an open file.
    private const int MostAtOnce = 2, MostWaiting = 64;

    // How long nothing is tried after the disk refused.
    private static readonly TimeSpan RestTime = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly KeptFolder _folder;
    private readonly VariantShelf _shelf;
    private readonly long _mostBytes;
    private readonly ILogger _logger;
    private readonly TimeProvider _clock;
    private readonly Dictionary<VariantKey, Task> _making = [];
    private readonly SemaphoreSlim _turns = new(MostAtOnce);
    private readonly CancellationTokenSource _stop = new();
    private long? _refused;

    /// <summary>Takes a folder for its own and finds again what an earlier process left in it.</summary>
    /// <param name="folder">The folder, which is made where it does not exist.</param>
    /// <param name="mostBytes">The room for all forms together; what is asked for least lately is deleted.</param>
    /// <param name="logger">Where trouble is told.</param>
    /// <param name="clock">The time.</param>
    /// <param name="health">Whether the store that the folder belongs to may be written.</param>
    /// <exception cref="IOException">The folder cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be made.</exception>
    public Variants(
        string folder, long mostBytes, ILogger logger, TimeProvider clock, StoreHealth? health = null)
    {
        (_mostBytes, _logger, _clock) = (mostBytes, logger, clock);
        _folder = new KeptFolder(folder, health);
        _shelf = new VariantShelf(_folder, mostBytes);
        LogFound(_folder.Path, _shelf.Count);
    }

    /// <summary>The forms that are kept, those of no bytes included.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _shelf.Count;
        }
    }

    /// <summary>Finds a form that is kept; null when there is none. It must be released.</summary>
    /// <param name="sha256">The 32 bytes of the digest of the uncompressed bytes.</param>
    /// <param name="coding">The coding.</param>
    public Variant? Find(ReadOnlySpan<byte> sha256, Coding coding) => Find(sha256, coding, out _);

    /// <summary>Finds a form that is kept; null when there is none. It must be released.</summary>
    /// <param name="sha256">The 32 bytes of the digest of the uncompressed bytes.</param>
    /// <param name="coding">The coding.</param>
    /// <param name="isSettled">False when it may be worth making.</param>
    public Variant? Find(ReadOnlySpan<byte> sha256, Coding coding, out bool isSettled)
    {
        lock (_lock) return _shelf.Take(new VariantKey(sha256, coding), out isSettled);
    }

    /// <summary>Makes a form, or waits for whoever makes it already; null when there is nothing to gain, no turn to be
    /// had, or the bytes turn out to be others. It must be released.</summary>
    /// <param name="sha256">The 32 bytes of the digest of the source's bytes.</param>
    /// <param name="coding">The coding, which is not <see cref="Coding.Identity"/>.</param>
    /// <param name="source">The uncompressed bytes. It is taken over: released in any case, and once.</param>
    /// <param name="length">Their length.</param>
    /// <param name="cancellationToken">Ends the waiting. What was begun is finished: the next one will ask.</param>
    public Task<Variant?> MakeAsync(ReadOnlySpan<byte> sha256, Coding coding, IFileSource source, long length,
        CancellationToken cancellationToken)
    {
        VariantKey key = new(sha256, coding);
        lock (_lock)
        {
            Variant? kept = _shelf.Take(key, out bool isSettled);
            if (isSettled)
            {
                source.Release();
                return Task.FromResult(kept);
            }
            if (_making.TryGetValue(key, out Task? making))
            {
                source.Release();
                return WaitAsync(making, key, cancellationToken);
            }
            if (!MayBegin())
            {
                source.Release();
                return Task.FromResult<Variant?>(null);
            }
            // On the pool, so that it cannot end before it is in the table.
            making = Task.Run(() => MakeInTurnAsync(key, source, length), CancellationToken.None);
            _making[key] = making;
            return WaitAsync(making, key, cancellationToken);
        }
    }

    /// <summary>Gives up what is being made and closes what no answer holds.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] making;
        lock (_lock)
        {
            if (_stop.IsCancellationRequested) return;
            _stop.Cancel();
            making = [.. _making.Values];
        }
        await Task.WhenAll(making).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock) _shelf.Close();
        _turns.Dispose();
        _stop.Dispose();
    }

    private bool MayBegin() => _making.Count < MostWaiting && !_stop.IsCancellationRequested
        && (_refused is not { } since || _clock.GetElapsedTime(since) >= RestTime);

    private async Task<Variant?> WaitAsync(Task making, VariantKey key, CancellationToken cancellationToken)
    {
        await making.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_lock) return _shelf.Take(key, out _);
    }

    private async Task MakeInTurnAsync(VariantKey key, IFileSource source, long length)
    {
        bool hasTurn = false;
        try
        {
            await _turns.WaitAsync(_stop.Token).ConfigureAwait(false);
            hasTurn = true;
            // A thread of its own: the pool's are few, and deliveries need them.
            await Task.Factory.StartNew(() => Make(key, source, length), _stop.Token, TaskCreationOptions.LongRunning,
                TaskScheduler.Default).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Those who wait get none.
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogRefused(_folder.Path, RestTime.TotalSeconds, exception.Message);
            lock (_lock) _refused = _clock.GetTimestamp();
        }
        finally
        {
            source.Release();
            if (hasTurn) _turns.Release();
            lock (_lock) _making.Remove(key);
        }
    }

    private void Make(VariantKey key, IFileSource source, long length)
    {
        using AtomicFile file = _folder.Create();
        switch (Compression.Run(source, length, key, file, Math.Min(length - 1, _mostBytes), _stop.Token))
        {
            case CompressionResult.OtherBytes:
                LogOtherBytes(key.Coding);
                return;
            case CompressionResult.NotSmaller:
                file.Restart();
                break;
        }
        FileName name = key.ToName(file.Length);
        file.Commit(name);
        lock (_lock) _shelf.Add(key, file.Length);
        LogMade(name, length);
    }

    [LoggerMessage(6010, LogLevel.Information, "keeps compressed files in {Folder}: {Count} so far")]
    private partial void LogFound(string folder, int count);

    [LoggerMessage(6011, LogLevel.Debug, "made {Name} of {Length} bytes")]
    private partial void LogMade(FileName name, long length);

    [LoggerMessage(6012, LogLevel.Information, "a file changed while it was compressed by {Coding}: not kept")]
    private partial void LogOtherBytes(Coding coding);

    [LoggerMessage(6013, LogLevel.Warning, "cannot keep compressed files in {Folder} (next try in {Seconds} s): {Why}")]
    private partial void LogRefused(string folder, double seconds, string why);
}
