using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Makes what was staged visible all at once, and takes that back.</summary>
/// <remarks>
/// <para>Think of a theatre between two acts: the new set stands behind the curtain, piece by piece, for as long as
/// it takes, and somebody walks through it to see that nothing is missing; then the curtain goes up once.</para>
/// <para>ACTIVATE has every file's copies counted first, and made where they are not. Only when there are as many of
/// each as asked one change of the book is written, with what was there before beside it. ROLLBACK is the same way
/// back, as a new change: revisions only grow. A name that was published anew since then stays as it is.</para>
/// </remarks>
internal sealed partial class ReleaseDesk(Book book, Scribe scribe, CopyRounds copies, NameTurns turns,
    PublishRounds rounds, OrderDesk orders, Router router, TimeProvider time, ILogger logger)
{
    // Files that servers are told at once to keep: so many orders wait for one at most.
    private const int AtOnce = 4_096;

    // As many rows as are taken out at once when nobody waits for it.
    private const int MostSwept = 5_000;

    // What is staged while it is being activated is taken along, until it does not end.
    private const int MostTries = 3;

    // One that is just ending is waited for: whoever threw away what was being activated may go on at once.
    private static readonly TimeSpan TurnTime = TimeSpan.FromSeconds(3), Look = TimeSpan.FromMilliseconds(100);

    private readonly Gathering _gathering = new(copies, orders, time, logger);
    private int _busy;

    /// <summary>True for a verb that is answered here.</summary>
    public static bool Knows(ReadOnlySpan<byte> verb) => verb.SequenceEqual("ACTIVATE"u8)
        || verb.SequenceEqual("ROLLBACK"u8) || verb.SequenceEqual("RELEASES"u8) || verb.SequenceEqual("UNSTAGE"u8);

    /// <summary>Answers an operator.</summary>
    public WireError? Handle(ReadOnlySpan<byte> verb, Words words, Answer answer)
    {
        ServerId release = default;
        bool isNamed = false;
        if (!verb.SequenceEqual("RELEASES"u8) && words.Next(out var word))
        {
            if (!ServerId.TryCreate(word, out release)) return WireErrors.Malformed;
            isNamed = true;
        }
        bool mayBeNameless = verb.SequenceEqual("RELEASES"u8) || verb.SequenceEqual("ROLLBACK"u8);
        if ((!isNamed && !mayBeNameless) || !words.OnlyUnknownPairs()) return WireErrors.Malformed;
        return verb switch
        {
            _ when verb.SequenceEqual("ACTIVATE"u8) =>
                rounds.Begin(answer, told => InTurnAsync(() => ActivateAsync(release, told), told)),
            _ when verb.SequenceEqual("ROLLBACK"u8) => rounds.Begin(
                answer, told => InTurnAsync(() => RollBackAsync(isNamed ? release : null, told), told)),
            _ when verb.SequenceEqual("UNSTAGE"u8) => rounds.Begin(answer, told => UnstageAsync(release, told)),
            _ => rounds.Begin(answer, ListAsync),
        };
    }

    /// <summary>Adds the rows that stage a file.</summary>
    /// <param name="release">In which release.</param>
    /// <param name="file">The file; without a digest for a name that is to show nothing any more.</param>
    /// <param name="number">The revision.</param>
    /// <param name="rows">Where the rows go.</param>
    /// <returns>Why it must not be, or null.</returns>
    public WireError? Stage(ServerId release, FileCopies file, long number, List<RecordRow> rows)
    {
        ReleaseHead? head = book.Releases.Find(release);
        if (head is { State: ReleaseState.Active }) return WireErrors.ReleaseActive;
        if (!book.Releases.HasRoom(release, file.Name, scribe.Together)) return WireErrors.ReleaseFull;
        rows.Add(new RecordRow((byte)BookKind.Release, Releases.KeyOf(release, file.Name),
            (file.State.Digest.IsNone ? PublishedName.Removed(number) : file.As(number)).Write()));
        if (head is { State: ReleaseState.Staged }) return null;
        if (head is null && book.Releases.All is { Count: >= Releases.Most } all)
        {
            if (all.FirstOrDefault(one => one.Head.State != ReleaseState.Staged && one.Undoable == 0) is not { } old)
            {
                return WireErrors.ReleaseFull;
            }
            rows.Add(new RecordRow((byte)BookKind.Release, Releases.KeyOf(old.Name), null));
        }
        rows.Add(HeadRow(release, new ReleaseHead(ReleaseState.Staged, number, Now, 0, 0)));
        return null;
    }

    private long Now => time.GetUtcNow().ToUnixTimeSeconds();

    // Two at once could each undo what the other did. Who has heard the end of one may begin the next.
    private async Task<WireError?> InTurnAsync(Func<Task<WireError?>> work, LongAnswer told)
    {
        if (!await HasTurnAsync().ConfigureAwait(false)) return WireErrors.Busy;
        WireError? refusal;
        try
        {
            refusal = await work().ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
        }
        if (refusal is null) told.Say("END\n"u8);
        return refusal;
    }

    private async Task<bool> HasTurnAsync()
    {
        for (long began = time.GetTimestamp(); Interlocked.Exchange(ref _busy, 1) != 0;)
        {
            if (time.GetElapsedTime(began) >= TurnTime) return false;
            await Task.Delay(Look, time).ConfigureAwait(false);
        }
        return true;
    }

    // What nobody hears of any more is not gone on with while it is nothing yet; nor is what was thrown away.
    private WireError? EndOf(ServerId release, ReleaseState state, LongAnswer told) =>
        told.IsUnheard ? WireErrors.Busy
            : book.Releases.Find(release)?.State == state ? null : WireErrors.UnknownRelease;

    private async Task<WireError?> ActivateAsync(ServerId release, LongAnswer told)
    {
        List<(NameTurn Turn, PublishedName Old)> replaced = [];
        for (int tries = 0; tries < MostTries; tries++)
        {
            (IReadOnlyList<(FileName Name, PublishedName File)> files, long edition) = book.Releases.StagedIn(release);
            if (files.Count == 0) return WireErrors.UnknownRelease;
            if (files.Count > Releases.MostFiles) return WireErrors.ReleaseFull;
            (WireError? refusal, List<NameTurn> ready) = await _gathering.RunAsync(
                [.. files.Select(file => new FileCopies(BytesOf(file.Name), file.File))], told,
                () => EndOf(release, ReleaseState.Staged, told)).ConfigureAwait(false);
            if (refusal is not null) return refusal;
            bool isOther = false;
            (refusal, long revision, List<NameTurn> turned) = await turns.WriteAsync((number, all, rows) =>
            {
                isOther = book.Releases.StagedIn(release).Edition != edition;
                if (isOther) return null;
                if (book.Releases.Find(release) is not { State: ReleaseState.Staged }) return WireErrors.UnknownRelease;
                replaced.Clear();
                replaced.AddRange(ready.Where(turn => book.TryFind(turn.File.Name, out _)).Select(turn =>
                    (turn, book.TryFind(turn.File.Name, out PublishedName old) ? old : default)));
                all.AddRange(ready);
                return Activate(release, number, ready, rows);
            }, isAlone: true).ConfigureAwait(false);
            if (refusal is not null) return refusal;
            if (isOther) continue;
            LogActivated(release, turned.Count, revision);
            told.Say(Encoding.UTF8.GetBytes($"ACTIVATED {revision} {turned.Count}\n"));
            await ShowAsync(revision, turned, told).ConfigureAwait(false);
            _ = KeepReplacedAsync(replaced);
            await SweepAsync().ConfigureAwait(false);
            return null;
        }
        return WireErrors.Busy;
    }

    // Whoever had what was replaced keeps it for a rollback: without a word it goes when downloads have had their time.
    private async Task KeepReplacedAsync(List<(NameTurn Turn, PublishedName Old)> replaced)
    {
        Server[] servers = router.Fleet.Servers;
        foreach (var together in replaced.Chunk(AtOnce))
        {
            await Task.WhenAll(together.SelectMany(one => one.Turn.Before.Select(server => orders.GiveAsync(
                servers[server].Id, new FileCopies(one.Turn.File.Name, one.Old).Order(OrderKind.Fetch, 0),
                servers[server].Contact is { } itself ? [itself] : [])))).ConfigureAwait(false);
        }
    }

    // What was there before stands beside what is there from now on; what was staged is no more.
    private WireError? Activate(ServerId release, long number, List<NameTurn> ready, List<RecordRow> rows)
    {
        (long bytes, long written) = (0, Releases.HeadBytes);
        foreach (NameTurn turn in ready)
        {
            byte[] name = turn.File.Name, key = Releases.KeyOf(release, name);
            byte[] before = (book.TryFind(name, out PublishedName old) ? old : PublishedName.Removed(number)).Write();
            rows.Add(new RecordRow((byte)BookKind.Release, key, null));
            rows.Add(new RecordRow((byte)BookKind.Undo, key, before));
            bytes += turn.File.State.Size;
            written += Releases.BytesOf(release, name.Length, 1)
                + before.Length + turn.File.As(number).Write().Length - (2 * PublishedName.LeastBytes);
        }
        rows.Add(HeadRow(release, new ReleaseHead(ReleaseState.Active, number, Now, ready.Count, bytes)));
        return written > Releases.MostBytes ? WireErrors.ReleaseFull : null;
    }

    private async Task<WireError?> RollBackAsync(ServerId? named, LongAnswer told)
    {
        Release? newest = book.Releases.All.LastOrDefault(one => one.Head.State != ReleaseState.Staged);
        // Of an older one only a part may be kept, where the index ended while it was swept.
        if (newest is not { Undoable: > 0, Head.State: ReleaseState.Active }
            || (named is { } wanted && wanted != newest.Name))
        {
            return WireErrors.UnknownRelease;
        }
        var before = book.Releases.BeforeOf(newest.Name);
        (WireError? refusal, List<NameTurn> ready) = await _gathering.RunAsync(
            [.. before.Where(file => IsAsLeft(BytesOf(file.Name), newest.Head))
                .Select(file => new FileCopies(BytesOf(file.Name), file.Before))], told,
            () => EndOf(newest.Name, ReleaseState.Active, told)).ConfigureAwait(false);
        if (refusal is not null) return refusal;
        (refusal, long revision, List<NameTurn> turned) = await turns.WriteAsync((number, all, rows) =>
        {
            all.AddRange(ready.Where(turn => IsAsLeft(turn.File.Name, newest.Head)));
            rows.AddRange(before.Select(file => new RecordRow(
                (byte)BookKind.Undo, Releases.KeyOf(newest.Name, BytesOf(file.Name)), null)));
            rows.Add(HeadRow(newest.Name, newest.Head with
            {
                State = ReleaseState.RolledBack, Revision = number, UnixSeconds = Now,
            }));
            return null;
        }, isAlone: true).ConfigureAwait(false);
        if (refusal is not null) return refusal;
        LogRolledBack(newest.Name, turned.Count, revision);
        int kept = before.Count - turned.Count;
        told.Say(Encoding.UTF8.GetBytes($"ROLLED_BACK {revision} {turned.Count} release={newest.Name} kept={kept}\n"));
        await ShowAsync(revision, turned, told).ConfigureAwait(false);
        return null;
    }

    // A name that somebody published or removed since is his.
    private bool IsAsLeft(byte[] name, ReleaseHead head) => head.Revision
        == (book.TryFind(name, out PublishedName now) ? now.Revision : book.RemovedAt(name));

    private async Task<WireError?> UnstageAsync(ServerId release, LongAnswer told)
    {
        int count = 0;
        WireError? refusal = await scribe.WriteAsync((_, rows) =>
        {
            var files = book.Releases.StagedIn(release).Files;
            if (book.Releases.Find(release) is not { State: ReleaseState.Staged }) return WireErrors.UnknownRelease;
            count = files.Count;
            rows.AddRange(files.Select(file => new RecordRow(
                (byte)BookKind.Release, Releases.KeyOf(release, BytesOf(file.Name)), null)));
            rows.Add(new RecordRow((byte)BookKind.Release, Releases.KeyOf(release), null));
            return null;
        }, isAlone: true).ConfigureAwait(false);
        if (refusal is null) told.Say(Encoding.UTF8.GetBytes($"UNSTAGED {count}\nEND\n"));
        return refusal;
    }

    private Task<WireError?> ListAsync(LongAnswer told)
    {
        foreach (Release one in book.Releases.All)
        {
            ReleaseHead head = one.Head;
            (string word, long files, long bytes) = head.State switch
            {
                ReleaseState.Staged => ("staged", one.Staged, one.StagedBytes),
                ReleaseState.Active => ("active", head.Files, head.Bytes),
                _ => ("rolled-back", head.Files, head.Bytes),
            };
            told.Say(Encoding.UTF8.GetBytes($"RELEASE {one.Name} {word} {files} {bytes} {head.Revision} "
                + $"time={head.UnixSeconds}{(one.Undoable > 0 ? $" undo={one.Undoable}" : "")}\n"));
        }
        told.Say("END\n"u8);
        return Task.FromResult<WireError?>(null);
    }

    private Task ShowAsync(long revision, List<NameTurn> turned, LongAnswer told) =>
        turns.ShowAsync(revision, turned, (server, isShown) =>
            told.Say(Encoding.UTF8.GetBytes($"{(isShown ? "SHOWN" : "LATE")} {server}\n")));

    // Only the newest can be rolled back: what the others replaced is not kept.
    private async Task SweepAsync()
    {
        Release[] all = [.. book.Releases.All.Where(one => one.Undoable > 0)];
        foreach (Release old in all.SkipLast(1))
        {
            foreach (var part in book.Releases.BeforeOf(old.Name).Chunk(MostSwept))
            {
                await scribe.WriteAsync((_, rows) =>
                {
                    rows.AddRange(part.Select(file => new RecordRow(
                        (byte)BookKind.Undo, Releases.KeyOf(old.Name, BytesOf(file.Name)), null)));
                    return null;
                }).ConfigureAwait(false);
            }
        }
    }

    private static RecordRow HeadRow(ServerId release, ReleaseHead head) =>
        new((byte)BookKind.Release, Releases.KeyOf(release), head.Write());

    private static byte[] BytesOf(FileName name) => Encoding.UTF8.GetBytes(name.Value);

    [LoggerMessage(2055, LogLevel.Information, "release {Release} is active: {Files} files, as revision {Revision}")]
    private partial void LogActivated(ServerId release, int files, long revision);

    [LoggerMessage(2056, LogLevel.Information, "release {Release} is rolled back: {Files} files, revision {Revision}")]
    private partial void LogRolledBack(ServerId release, int files, long revision);
}
