using MicroCdn.Protocol;
using MicroCdn.Records;

namespace MicroCdn.Index.Publishing;

/// <summary>One name of a change, and what it is to show.</summary>
/// <param name="File">The name with its bytes; without a digest for one that is to show nothing any more.</param>
/// <param name="Holders">The servers that have the bytes.</param>
internal sealed record NameTurn(FileCopies File, IReadOnlyList<ushort> Holders)
{
    /// <summary>Who had what the name showed until then; known when the change is applied.</summary>
    public ushort[] Before { get; set; } = [];

    /// <summary>A name that is to show nothing any more.</summary>
    public static NameTurn Away(byte[] name) => new(new FileCopies(name, default, 0, false), []);

    /// <summary>True for a name that is to show nothing any more.</summary>
    public bool IsAway => File.State.Digest.IsNone;
}

/// <summary>Says which names turn, or why they must not.</summary>
/// <param name="revision">The revision that they will have.</param>
/// <param name="turns">Where they go; none when nothing has to be written.</param>
/// <param name="rows">Further rows of the same change.</param>
internal delegate WireError? TurnDraft(long revision, List<NameTurn> turns, List<RecordRow> rows);

/// <summary>Has names show other bytes, all of them by one change of the book, and then on their servers.</summary>
/// <remarks>The book goes first. From then on clients are asked to take the new bytes, of servers that have them; what
/// a server that did not hear of it yet gives out under that name is not asked for any more.</remarks>
internal sealed class NameTurns(Book book, Scribe scribe, OrderDesk orders, Router router, TimeProvider time)
{
    /// <summary>How long servers are waited for to show one name.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>How long they are waited for to show many.</summary>
    public static readonly TimeSpan PatienceForMany = TimeSpan.FromSeconds(30);

    private const int Many = 1_000;

    /// <summary>Writes one change.</summary>
    /// <returns>Why nothing was written, or null; the revision, and what turned.</returns>
    public async Task<(WireError? Refusal, long Revision, List<NameTurn> Turns)> WriteAsync(
        TurnDraft draft, bool isAlone = false)
    {
        (long revision, List<NameTurn> turns) = (0, []);
        WireError? refusal = await scribe.WriteAsync((number, rows) =>
        {
            turns.Clear();
            revision = number;
            if (draft(number, turns, rows) is { } refused) return refused;
            rows.AddRange(turns.Select(turn => new RecordRow((byte)BookKind.Name, turn.File.Name,
                (turn.IsAway ? PublishedName.Removed(number) : turn.File.As(number)).Write())));
            return null;
        }, () => Expect(turns), isAlone).ConfigureAwait(false);
        return (refusal, revision, turns);
    }

    /// <summary>Has the servers show what turned.</summary>
    /// <param name="revision">The revision.</param>
    /// <param name="turns">What turned.</param>
    /// <param name="told">Told of each server that shows it, and with false of each that was waited for in vain: it
    /// does when it is back.</param>
    public async Task ShowAsync(long revision, List<NameTurn> turns, Action<ServerId, bool>? told = null)
    {
        Dictionary<ushort, List<OrderLine>> work = [];
        HashSet<ushort> showing = [];
        foreach (NameTurn turn in turns)
        {
            foreach (ushort holder in turn.Holders)
            {
                LinesOf(work, holder).Add(turn.File.Order(OrderKind.Show, revision));
                showing.Add(holder);
            }
            // Who had what was there before, and is to have none of this.
            foreach (ushort holder in turn.Before.Except(turn.Holders))
            {
                // One that is given late must not take what that server has got since.
                LinesOf(work, holder).Add(turn.File.Order(OrderKind.Drop, turn.IsAway ? revision : revision - 1));
            }
        }
        TimeSpan patience = turns.Count < Many ? Patience : PatienceForMany;
        await GiveAsync(work.Where(one => showing.Contains(one.Key)), patience, told).ConfigureAwait(false);
        // Whoever was just sent to one that is to have nothing gets from it what was there before, rather than nothing.
        // It is waited for where that is told, or where nobody has anything else to do.
        Task drops = GiveAsync(work.Where(one => !showing.Contains(one.Key)), patience, told);
        if (told is not null || showing.Count == 0) await drops.ConfigureAwait(false);
    }

    /// <summary>The servers that have what is published under a name; none for a name that is not.</summary>
    public ushort[] HoldersOf(ReadOnlySpan<byte> name)
    {
        Catalog.View view = router.Catalog.Now;
        int row = view.Names.Find(name);
        return row < 0 || !view.TryPublished(name, out _) ? []
            : view.Holders(row, router.Fleet.Servers, out FileState _);
    }

    // The servers whose copies count are known in the same step in which the name turns.
    private void Expect(List<NameTurn> turns)
    {
        foreach (NameTurn turn in turns)
        {
            turn.Before = HoldersOf(turn.File.Name);
            book.Expect(turn.File.Name, turn.IsAway ? turn.Before : [.. turn.Holders]);
        }
    }

    private async Task GiveAsync(IEnumerable<KeyValuePair<ushort, List<OrderLine>>> work, TimeSpan patience,
        Action<ServerId, bool>? told)
    {
        Server[] servers = router.Fleet.Servers;
        (ServerId Server, Task<bool> Done)[] running =
            [.. work.Select(one => (servers[one.Key].Id, orders.OweTogetherAsync(servers[one.Key].Id, one.Value)))];
        Task all = Task.WhenAll(running.Select(one => one.Done));
        await all.WaitAsync(patience, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach ((ServerId server, Task<bool> done) in running)
        {
            told?.Invoke(server, done is { IsCompletedSuccessfully: true, Result: true });
        }
    }

    private static List<OrderLine> LinesOf(Dictionary<ushort, List<OrderLine>> work, ushort server)
    {
        if (!work.TryGetValue(server, out List<OrderLine>? lines)) work.Add(server, lines = []);
        return lines;
    }
}
