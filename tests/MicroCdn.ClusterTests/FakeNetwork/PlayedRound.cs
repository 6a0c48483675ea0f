using MicroCdn.Client;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>Has changes asked for, some at once, and takes down what whoever asked was told.</summary>
/// <remarks>Upsets are what makes somebody ask twice: what is refused then may have come of the first time.</remarks>
internal sealed class PlayedRound(
    FakeWorld world, PlayStory story, PossibleWorlds worlds, PlayedClients clients, Func<int> upsets)
{
    private readonly List<PlayedChange> _waited = [];

    /// <summary>The changes that somebody waits for.</summary>
    public IReadOnlyList<PlayedChange> Waited => _waited;

    /// <summary>Asks, and waits until each is answered or given up.</summary>
    /// <param name="acts">What is asked for at once.</param>
    /// <param name="meanwhile">What happens before anybody waits; null for nothing.</param>
    public async Task AskAsync(PlayedAct[] acts, Func<Task>? meanwhile)
    {
        foreach (PlayedAct act in acts)
        {
            story.Tell(act.Change.What);
            worlds.Begin(act.Change);
            _waited.Add(act.Change);
        }
        int before = upsets();
        using CancellationTokenSource impatience = new();
        Task<Predicate<BookWorld>?>[] work =
            [.. acts.Select(act => Task.Run(() => act.Ask(clients.Publisher(), impatience.Token)))];
        if (meanwhile is not null) await meanwhile();
        for (int wait = 0; wait < 100 && !Array.TrueForAll(work, one => one.IsCompleted); wait++)
        {
            await world.AdvanceAsync(TimeSpan.FromMilliseconds(100));
        }
        await impatience.CancelAsync();
        await world.UntilAsync(() => Array.TrueForAll(work, one => one.IsCompleted), "who publishes gives up",
            TimeSpan.FromSeconds(5));
        for (int at = 0; at < acts.Length; at++) await HearAsync(acts[at].Change, work[at], before);
    }

    private async Task HearAsync(PlayedChange change, Task<Predicate<BookWorld>?> work, int before)
    {
        try
        {
            Predicate<BookWorld>? seen = await work;
            story.Tell("-> done");
            world.Check(worlds.Acknowledge(change, seen), "what was acknowledged is so", "it cannot be");
        }
        catch (Exception exception) when (exception is CdnException or OperationCanceledException)
        {
            story.Tell($"-> {exception.Message}");
            bool isRefused = exception is CdnException { Failure: not CdnFailure.Unreachable } && before == upsets();
            if (isRefused) world.Check(worlds.Refuse(change), "what was refused is not so", "it is");
            else worlds.GiveUp(change);
        }
        _waited.Remove(change);
    }
}
