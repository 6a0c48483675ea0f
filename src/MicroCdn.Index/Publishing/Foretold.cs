using MicroCdn.Protocol;
using MicroCdn.Records;

namespace MicroCdn.Index.Publishing;

/// <summary>Has what is published turn from old to new at once also where this index only follows.</summary>
/// <remarks>
/// <para>Think of a play that is followed by two messengers: one brings the script, page by page, the other tells what
/// is on the stage. The scene is only changed when both have come. The change of the book comes from the writer by the
/// log, and says which bytes a name shows; the servers come by their own connections, and say that they show them.
/// Neither alone is enough: a change without the servers leaves a name without anybody who has it, and so does a
/// server's word without the change, since it takes back what that server said before.</para>
/// <para>So a change waits until each name that is offered now has somebody who has its new bytes, all its names
/// together, and then turns all of them; and the servers' word of a revision that was not seen yet is kept aside
/// meanwhile, while they count for the old bytes, which they have for ten minutes. Neither waits for longer than
/// <see cref="Patience"/>: a change turns without servers then, and servers are believed without the change: theirs was
/// durable before they were told of it, and the log may be away.</para>
/// <para>The catalog's writer alone, but for <see cref="Heard"/> and <see cref="HoldAsync"/>.</para>
/// </remarks>
internal sealed class Foretold(Book book, Catalog catalog, Fleet fleet, TimeProvider time)
{
    /// <summary>How long a change, or a server's word, waits for the other.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // Twice the largest release, on two servers each. With more nothing waits.
    private const int Most = 400_000;

    private readonly Dictionary<FileName, Dictionary<ushort, Word>> _words = [];
    private readonly Dictionary<ushort, int> _wordsOf = [];
    private int _count;
    private long _tiredSince = -1;
    private RecordChange? _held;
    private List<PublishedRow>? _missing;
    private TaskCompletionSource _heard = NewBell();

    /// <summary>Whether this index follows another one; one that writes knows who has what it writes.</summary>
    public Func<bool> Follows { get; set; } = () => true;

    /// <summary>Told who had what a change removes.</summary>
    public HolderTaker Removed { get; set; } = (_, _, _) => { };

    /// <summary>Ends when there is something new that a change may have waited for.</summary>
    public Task Heard => Volatile.Read(ref _heard).Task;

    /// <summary>Says that there is something new.</summary>
    public void Ring() => Interlocked.Exchange(ref _heard, NewBell()).TrySetResult();

    /// <summary>Keeps aside what a server tells of revisions that were not seen yet, before its list is put in
    /// place.</summary>
    /// <param name="server">Whose list it is.</param>
    /// <param name="list">What it told; says of these names afterwards what it said before.</param>
    /// <param name="isWhole">True for all it has, false for changes.</param>
    public void SetAside(Server server, FileList list, bool isWhole)
    {
        ushort number = (ushort)server.Number;
        if (isWhole) Forget(number);
        bool mayTell = list.HasPublished && Follows();
        if (!mayTell && _count == 0) return;
        List<(byte[] Name, Word Word)> told = [];
        long next = book.NextRevision;
        FileList.Reader rows = list.Read();
        while (rows.Next())
        {
            if (mayTell && rows.Revision >= next)
            {
                told.Add((rows.Name.ToArray(), new Word(rows.State, rows.Revision, time.GetTimestamp())));
            }
            else if (_count > 0 && FileName.TryCreate(rows.Name, out FileName name)) Forget(name, number);
        }
        foreach ((byte[] name, Word word) in told)
        {
            if (!FileName.TryCreate(name, out FileName read)) continue;
            Keep(read, number, word);
            // The last word of a list counts.
            if (ClaimOf(name, server.Number) is { } before) list.Add(name, before);
            else list.Remove(name);
        }
    }

    /// <summary>Looks at the names of a list that was put in place: none may be left with nobody who has it while
    /// somebody has newer bytes.</summary>
    public void NoteApplied(FileList list)
    {
        if (_count > Most) BelieveAll(_ => true);
        if (_count > 0)
        {
            FileList.Reader rows = list.Read();
            while (rows.Next())
            {
                if (rows.IsRemoval && FileName.TryCreate(rows.Name, out FileName name) && _words.ContainsKey(name)
                    && catalog.Now.TryPublished(rows.Name, out PublishedName _) && !IsOffered(rows.Name, out _))
                {
                    Believe(name);
                }
            }
        }
        Ring();
    }

    /// <summary>Applies the next change of the book, unless it is to wait.</summary>
    /// <param name="change">The change.</param>
    /// <param name="mayWait">False to apply it whatever is known.</param>
    /// <returns>Whether it is applied.</returns>
    public bool TryApply(RecordChange change, bool mayWait)
    {
        if (mayWait && !IsReady(change)) return false;
        (_held, _missing) = (null, null);
        IReadOnlyList<RecordRow> rows = [.. change.Rows.Where(row => !IsPast(row))];
        if (_count > 0) rows = [.. rows.Where(row => !IsOvertaken(row))];
        foreach (RecordRow row in rows) Expect(row);
        book.Apply(change with { Rows = rows });
        Settle();
        return true;
    }

    /// <summary>Puts all rows of a store in the place of what is here.</summary>
    public void Replace(long number, IReadOnlyList<RecordRow> rows)
    {
        if (_count > 0) foreach (RecordRow row in rows) Expect(row);
        book.Replace(number, rows);
        Settle();
    }

    /// <summary>Applies the next change of the book when it is time.</summary>
    /// <param name="change">The change.</param>
    /// <param name="applied">The catalog's writer.</param>
    /// <param name="mayWait">Whether it may wait still.</param>
    /// <param name="cancellationToken">Ends the wait, with the change not applied.</param>
    public async Task HoldAsync(
        RecordChange change, Applied applied, Func<bool> mayWait, CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        while (true)
        {
            Task heard = Heard;
            TimeSpan left = Patience - time.GetElapsedTime(began);
            bool isApplied = false, isLate = left <= TimeSpan.Zero;
            // Once nobody came, the changes that came meanwhile are not waited for one after another.
            bool isTired = _tiredSince >= 0 && time.GetElapsedTime(_tiredSince) < Patience;
            await applied.DoAsync(() => isApplied = TryApply(change, !isLate && !isTired && mayWait()))
                .WaitAsync(cancellationToken).ConfigureAwait(false);
            if (isLate) _tiredSince = time.GetTimestamp();
            if (isApplied) return;
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(heard, Task.Delay(left, time, over.Token)).ConfigureAwait(false);
            await over.CancelAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Puts in place what is waited for no longer.</summary>
    public void Settle()
    {
        if (_count == 0) return;
        bool follows = Follows();
        long next = book.NextRevision, newest = -1;
        foreach ((FileName name, Dictionary<ushort, Word> words) in _words)
        {
            foreach ((ushort server, Word word) in words)
            {
                if (word.Revision < next || !follows) Claim(name, server, word);
                else if (time.GetElapsedTime(word.Told) >= Patience) newest = Math.Max(newest, word.Revision);
            }
        }
        // All that turned with it, or before it, turns with it here too.
        if (newest >= 0) BelieveAll(word => word.Revision <= newest);
    }

    /// <summary>Looks for what is waited for no longer, until cancelled.</summary>
    public async Task RunAsync(Applied applied, CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Patience / 10, time, cancellationToken).ConfigureAwait(false);
            if (Volatile.Read(ref _count) > 0) await applied.DoAsync(Settle).ConfigureAwait(false);
        }
    }

    // Each name is looked for once: one that has somebody is not looked at again.
    private bool IsReady(RecordChange change)
    {
        if (_held != change || _missing is null) (_held, _missing) = (change, Waiting(change));
        while (_missing.Count > 0 && HasTaker(_missing[^1])) _missing.RemoveAt(_missing.Count - 1);
        return _missing.Count == 0;
    }

    private List<PublishedRow> Waiting(RecordChange change)
    {
        List<PublishedRow> waiting = [];
        foreach (RecordRow row in change.Rows)
        {
            if (TryRead(row, out PublishedRow published) && !published.Value.IsRemoved
                && IsOffered(row.Key, out FileState now) && !now.HasBytesOf(published.Value.State))
            {
                waiting.Add(published);
            }
        }
        return waiting;
    }

    // Somebody has these bytes or later ones, or nobody has the old ones any more.
    private bool HasTaker(PublishedRow row) => !IsOffered(row.Key, out _)
        || (_words.TryGetValue(row.Name, out Dictionary<ushort, Word>? words) && words.Any(word => IsLive(word.Key)
            && (word.Value.Revision > row.Value.Revision || word.Value.State.HasBytesOf(row.Value.State))))
        || HoldersOf(row.Key, row.Value.State).Any(IsLive);

    // Whoever has the old bytes still shows the next revision already, and nobody has this one.
    private bool IsOvertaken(RecordRow row)
    {
        if (!TryRead(row, out PublishedRow published) || published.Value.IsRemoved
            || !_words.TryGetValue(published.Name, out Dictionary<ushort, Word>? words)
            || words.Values.Any(word => word.State.HasBytesOf(published.Value.State))
            || words.Values.All(word => word.Revision <= published.Value.Revision)
            || HoldersOf(row.Key, published.Value.State).Any(IsLive)) return false;
        Believe(published.Name);
        return true;
    }

    // The servers were believed that a later change was made: what came before it is over.
    private bool IsPast(RecordRow row) => TryRead(row, out PublishedRow published)
        && book.TryFind(row.Key, out PublishedName now) && now.Revision > published.Value.Revision;

    // Who is known to have what the change publishes is noted in the same step; so is who had what it removes.
    private void Expect(RecordRow row)
    {
        if (!TryRead(row, out PublishedRow published)) return;
        FileState state = published.Value.State;
        if (published.Value.IsRemoved)
        {
            if (!book.TryFind(row.Key, out PublishedName gone)) return;
            ushort[] had = HoldersOf(row.Key, gone.State);
            book.Expect(row.Key, had);
            Removed(row.Key, had, published.Value.Revision);
            return;
        }
        if (!_words.TryGetValue(published.Name, out Dictionary<ushort, Word>? words)) return;
        ushort[] holders = [.. words.Where(word => word.Value.State.HasBytesOf(state)).Select(word => word.Key)];
        if (holders.Length > 0) book.Expect(row.Key, holders);
    }

    private void BelieveAll(Func<Word, bool> which)
    {
        FileName[] names = [.. _words.Where(told => told.Value.Values.Any(which)).Select(told => told.Key)];
        catalog.Together(names.Select(name => System.Text.Encoding.UTF8.GetBytes(name.Value)), () =>
        {
            foreach (FileName name in names) Believe(name);
        });
    }

    // The servers show what the book says by then; of several revisions the latest.
    private void Believe(FileName name)
    {
        if (!_words.TryGetValue(name, out Dictionary<ushort, Word>? words)) return;
        byte[] key = System.Text.Encoding.UTF8.GetBytes(name.Value);
        Word latest = words.Values.MaxBy(word => word.Revision)!;
        book.TryFind(key, out PublishedName now);
        ushort[] holders =
            [.. words.Where(word => word.Value.State.HasBytesOf(latest.State)).Select(word => word.Key)];
        book.Foresee(key, new PublishedName(latest.Revision, latest.State, now.Replicas, now.IsSpread), holders);
        foreach ((ushort server, Word word) in words) Claim(name, server, word);
    }

    private void Claim(FileName name, ushort server, Word word)
    {
        FileList list = new();
        list.Add(System.Text.Encoding.UTF8.GetBytes(name.Value), word.State);
        catalog.Change(server, list);
        Forget(name, server);
    }

    private void Keep(FileName name, ushort server, Word word)
    {
        if (!_words.TryGetValue(name, out Dictionary<ushort, Word>? words)) _words.Add(name, words = []);
        if (words.TryGetValue(server, out Word? before)) word = word with { Told = before.Told };
        else
        {
            _count++;
            _wordsOf[server] = _wordsOf.GetValueOrDefault(server) + 1;
        }
        words[server] = word;
    }

    private void Forget(FileName name, ushort server)
    {
        if (!_words.TryGetValue(name, out Dictionary<ushort, Word>? words) || !words.Remove(server)) return;
        _count--;
        _wordsOf[server]--;
        if (words.Count == 0) _words.Remove(name);
    }

    private void Forget(ushort server)
    {
        if (_wordsOf.GetValueOrDefault(server) == 0) return;
        foreach (FileName name in _words.Keys) Forget(name, server);
    }

    private bool IsLive(ushort server) => fleet.Servers[server].IsAsked;

    // True when clients are sent somewhere for it.
    private bool IsOffered(ReadOnlySpan<byte> name, out FileState state)
    {
        state = default;
        Catalog.View view = catalog.Now;
        int row = view.Names.Find(name);
        return row >= 0 && Array.Exists(view.Holders(row, fleet.Servers, out state), IsLive);
    }

    private FileState? ClaimOf(byte[] name, int server)
    {
        Catalog.View view = catalog.Now;
        int row = view.Names.Find(name);
        if (row < 0) return null;
        foreach ((FileState state, ushort[] servers) in view.Claims(row))
        {
            if (servers.Contains((ushort)server)) return state;
        }
        return null;
    }

    private ushort[] HoldersOf(byte[] name, FileState wanted)
    {
        Catalog.View view = catalog.Now;
        int row = view.Names.Find(name);
        return row < 0 ? [] : [.. view.Claims(row).Where(claim => claim.State.HasBytesOf(wanted))
            .SelectMany(claim => claim.Servers)];
    }

    private static bool TryRead(RecordRow row, out PublishedRow published)
    {
        published = default;
        if (row.Kind != (byte)BookKind.Name || row.Value is null) return false;
        if (!PublishedName.TryRead(row.Value, out PublishedName value)) return false;
        published = new PublishedRow(row.Key, FileName.TryCreate(row.Key, out FileName name) ? name : default, value);
        return true;
    }

    private static TaskCompletionSource NewBell() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly record struct PublishedRow(byte[] Key, FileName Name, PublishedName Value);

    // What a server shows, as which revision, and since when that is known.
    private sealed record Word(FileState State, long Revision, long Told);
}

/// <summary>Takes a name that is removed (valid until this returns), who had it, and the change that removes
/// it.</summary>
internal delegate void HolderTaker(ReadOnlySpan<byte> name, ushort[] holders, long revision);
