using System.Diagnostics;
using MicroCdn.Content.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>Keeps the library true to its folder: scans when the watch rings, and now and then without being
/// asked.</summary>
/// <remarks>
/// <para>The watch is a doorbell, the scan is the truth: an event lost or doubled changes nothing but the moment.
/// After a ring the folder is given a moment of quiet, so that a thousand files copied in are one scan.</para>
/// <para>A file whose last byte was written less than <see cref="Settle"/> ago may still be growing. It is left out
/// until it rests: nobody should download half of it, count the bytes, and find them right. A file that was offered
/// before stays offered as it was, so that replacing it by a rename makes nobody miss it.</para>
/// </remarks>
internal sealed partial class LibraryKeeper(ServedFolder folder, TimeProvider time, ILogger logger,
    Action<LibraryChange> changed, Withdrawals? withdrawals = null, Published? published = null) : IDisposable
{
    /// <summary>How long a file's bytes must rest before it is offered.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan WithWatch = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan WithoutWatch = TimeSpan.FromMilliseconds(1500);
    private static readonly TimeSpan RootLook = TimeSpan.FromSeconds(1);

    private readonly Bell _bell = new(time);

    // Held while a library takes the place of another, so that no digest is learnt by the old one alone.
    private readonly Lock _publishing = new();
    private FolderWatch? _watch;
    private Library _library = new(published);
    private bool _unsettled;
    private bool _full;
    private int _scannedChanges;
    private bool _saidNoWatch;
    private FolderId? _watched;

    public Library Library => Volatile.Read(ref _library);

    /// <summary>Keeps the digest of a file of some library, if it is still the same file now.</summary>
    public void Learn(Library library, int number, ReadOnlySpan<byte> digest, FileDigest root)
    {
        lock (_publishing)
        {
            library.Learn(number, digest, root);
            if (library == _library) return;
            int now = _library.FindInFolder(library.NameOf(number));
            if (now >= 0 && _library.FactsOf(now) == library.FactsOf(number)) _library.Learn(now, digest, root);
        }
    }

    /// <summary>Takes files whose bytes are no longer theirs out of the library, at once and until somebody replaces
    /// them.</summary>
    public void Withdraw(Library library, IReadOnlyList<int> numbers)
    {
        List<(FileName Name, FileFacts Facts)> files = [];
        foreach (int number in numbers)
        {
            FileName.TryCreate(library.NameOf(number), out FileName name);
            files.Add((name, library.FactsOf(number)));
            library.TryDigest(number, out ReadOnlySpan<byte> digest);
            LogRot(name, folder.Path, new FileDigest(digest));
        }
        withdrawals!.Add(files);
        lock (_publishing) Volatile.Write(ref _library, _library.Without(withdrawals.Holds));
        changed(LibraryChange.Announced);
    }

    /// <summary>Asks for a scan soon.</summary>
    public void Ring() => _bell.Ring();

    /// <summary>Makes the first library; waits once for files that are being written.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Watch();
        withdrawals?.Recall();
        _library = Scan();
        if (!_unsettled) return;
        await Task.Delay(Settle, time, cancellationToken).ConfigureAwait(false);
        _library = Scan();
    }

    /// <summary>Scans again whenever there is reason to, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        TimeSpan cost = TimeSpan.Zero;
        while (true)
        {
            Watch();
            bool watched = _watch?.Works == true;
            if (!watched && !_saidNoWatch) SayNoWatch();
            _saidNoWatch = !watched;
            TimeSpan wait = _unsettled ? Settle : watched ? WithWatch : WithoutWatch;
            // Scanning a huge folder again and again must not take more than a tenth of a processor.
            TimeSpan least = Max(cost * 9, Quiet);
            await WaitAsync(Max(wait, least), cancellationToken).ConfigureAwait(false);
            await Task.Delay(least, time, cancellationToken).ConfigureAwait(false);
            long began = Stopwatch.GetTimestamp();
            Library next = await Task.Run(Scan, cancellationToken).ConfigureAwait(false);
            cost = Stopwatch.GetElapsedTime(began);
            Publish(next);
        }
    }

    public void Dispose() => _watch?.Dispose();

    // A watch follows the folder it was made for: when another one stands under the path, or none, it hears nothing.
    private void Watch()
    {
        FolderId? now = folder.Now;
        if (now == _watched && _watch?.Works == true) return;
        _watch?.Dispose();
        _watch = now is null ? null : new FolderWatch(folder, Ring);
        _watched = now;
    }

    private async Task WaitAsync(TimeSpan most, CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        while (time.GetElapsedTime(began) < most && folder.Now == _watched)
        {
            TimeSpan left = most - time.GetElapsedTime(began);
            TimeSpan look = left < RootLook ? left : RootLook;
            if (await _bell.WaitAsync(look, cancellationToken).ConfigureAwait(false)) return;
        }
    }

    private void SayNoWatch()
    {
        if (_watched is null) LogGone(folder.Path);
        else if (!folder.MayBeRead) LogUnreadable(folder.Path);
        else LogNoWatch(folder.Path);
    }

    private void Publish(Library next)
    {
        LibraryChange change = _library.CompareTo(next);
        if (change == LibraryChange.None) return;
        int before = _library.Count;
        lock (_publishing)
        {
            // What was withdrawn while the scan ran.
            if (withdrawals is not null && withdrawals.Changes != _scannedChanges)
            {
                next = next.Without(withdrawals.Holds);
            }
            next.LearnFrom(_library);
            Volatile.Write(ref _library, next);
        }
        if (change == LibraryChange.Announced) LogChanged(next.Count, before);
        changed(change);
    }

    private Library Scan()
    {
        Library before = Library;
        Library library = new(published);
        DateTimeOffset wall = time.GetUtcNow();
        long now = (wall - DateTimeOffset.UnixEpoch).Ticks * 100;
        long resting = now - (Settle.Ticks * 100);
        _unsettled = false;
        bool full = false;
        _scannedChanges = withdrawals?.Changes ?? 0;
        folder.Scan((name, facts) =>
        {
            if (withdrawals?.Holds(name, facts) == true) return;
            // A time in the future comes from a wrong clock, not from a writer.
            if (facts.Modified > resting && facts.Modified <= now)
            {
                _unsettled = true;
                if (!before.TryFacts(name, out facts)) return;
            }
            if (!library.Add(name, facts)) full = true;
        });
        if (full && !_full) LogFull(Limits.FilesPerServer);
        _full = full;
        return library;
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

    [LoggerMessage(4001, LogLevel.Information, "the folder changed: {Files} files now, {Before} before")]
    private partial void LogChanged(int files, int before);

    [LoggerMessage(4002, LogLevel.Warning,
        "'{Folder}' cannot be watched (raise fs.inotify.max_user_watches); it is scanned every 1.5 s instead")]
    private partial void LogNoWatch(string folder);

    [LoggerMessage(4004, LogLevel.Warning, "there is no folder '{Folder}' any more; it is looked for every 1.5 s")]
    private partial void LogGone(string folder);

    [LoggerMessage(4005, LogLevel.Error,
        "the folder '{Folder}' may not be read by this user: give it the rights to read and search it")]
    private partial void LogUnreadable(string folder);

    [LoggerMessage(4060, LogLevel.Critical, "'{Name}' in '{Folder}' has rotted: nobody edited it, and its bytes are no "
        + "longer those of sha256 {Digest}. It is withdrawn; replace it by a good copy, and look at this disk")]
    private partial void LogRot(FileName name, string folder, FileDigest digest);

    [LoggerMessage(4003, LogLevel.Error, "the folder holds more than {Most} files: the rest is not offered")]
    private partial void LogFull(int most);
}
