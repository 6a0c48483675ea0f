using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>Keeps the bytes that no name shows: what is staged, and what a release replaced and may be rolled back
/// to.</summary>
/// <remarks>
/// A content server keeps such bytes for a day, and forgets them then; and no list tells who has them. So now and then
/// the servers on which they belong are told to fetch them: one that has them keeps them for another day, one that has
/// not gets them from the others. That is a round.
/// </remarks>
internal sealed class HiddenCopies(
    Book book, CopyRounds rounds, OrderDesk orders, Fleet fleet, TimeProvider time) : IDisposable
{
    /// <summary>How long after a round the next one begins: three of them may fail before a day is over.</summary>
    public static readonly TimeSpan Renewal = TimeSpan.FromHours(6);

    /// <summary>How long after a round the next one begins when something failed. What was just replaced is kept for 10
    /// minutes only, so what is new is looked at after a fifth of this.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromMinutes(5);

    // So many files are looked after at a time.
    private const int AtOnce = 16;

    private readonly SemaphoreSlim _turns = new(AtOnce);
    private long _due, _edition = -1;
    private int _open, _failed;
    private Task _round = Task.CompletedTask;
    private bool _isRunning;

    /// <summary>How many files are not known to be where they belong.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <inheritdoc/>
    public void Dispose() => _turns.Dispose();

    /// <summary>Begins a round where one is due. One caller at a time.</summary>
    /// <param name="isNews">True when other servers are gone, or are to go.</param>
    /// <param name="mayOrder">False while nobody is to be told anything.</param>
    public void Look(bool isNews, bool mayOrder)
    {
        long now = time.GetTimestamp(), edition = book.Releases.Edition;
        if (_isRunning && _round.IsCompleted)
        {
            _isRunning = false;
            _due = Math.Min(_due, now + TicksOf(_failed > 0 || _round.IsFaulted ? Soon : Renewal));
        }
        if (isNews || edition != _edition) _due = Math.Min(_due, isNews ? now : now + (TicksOf(Soon) / 5));
        // Nothing is known to be safe from one that is to go before a round that began after it was said.
        if (isNews) Volatile.Write(ref _open, Math.Max(1, Open));
        _edition = edition;
        if (!mayOrder || now < _due || !_round.IsCompleted) return;
        _due = long.MaxValue;
        // What the last round said is over with the beginning of this one.
        Volatile.Write(ref _open, Math.Max(1, Open));
        _isRunning = true;
        _round = Task.Run(RoundAsync);
    }

    private async Task RoundAsync()
    {
        _failed = 0;
        int files = 0;
        foreach (FileCopies file in book.Releases.Hidden)
        {
            Volatile.Write(ref _open, ++files);
            await _turns.WaitAsync().ConfigureAwait(false);
            _ = KeepAsync(file);
        }
        for (int turn = 0; turn < AtOnce; turn++) await _turns.WaitAsync().ConfigureAwait(false);
        _turns.Release(AtOnce);
        Volatile.Write(ref _open, _failed);
    }

    private async Task KeepAsync(FileCopies file)
    {
        bool isKept = false;
        try
        {
            IReadOnlyList<CopyPlace> places = orders.Places;
            List<Server> order = rounds.InOrder(file, _ => true, places);
            List<Server> has =
                await rounds.BringAsync(file, order, Sources(rounds.SourcesOf(order, places))).ConfigureAwait(false);
            isKept = has.Count >= rounds.WantedOf(file);
        }
        finally
        {
            if (!isKept) Interlocked.Increment(ref _failed);
            _turns.Release();
        }
    }

    // Whoever is to go first: they are few, and may have what nobody else has.
    private Contact[] Sources(Contact[] others) =>
    [
        .. fleet.Servers.Where(server => server.IsRetired || server.State == ServerState.Draining)
            .Select(server => server.Contact).OfType<Contact>().Take(OrderLine.MostSources / 2)
            .Concat(others).Distinct().Take(OrderLine.MostSources),
    ];

    private long TicksOf(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}
