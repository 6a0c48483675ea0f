using MicroCdn.Client;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>A change, and how it is asked for; what whoever asked was told has to hold in the world after it.</summary>
internal sealed record PlayedAct(
    PlayedChange Change, Func<Publisher, CancellationToken, Task<Predicate<BookWorld>?>> Ask);

/// <summary>Chooses what is published, staged, activated, taken back or moved next.</summary>
internal sealed class PlayedActs(PlayedClients clients, Random chance)
{
    public static readonly string[] Files = ["a", "dir/b c", "y", "z"], Releases = ["r1", "r2"];

    private int _changes;

    public byte[] Bytes()
    {
        // Now and then the same bytes as some time before, under whatever name.
        int kind = chance.Next(10);
        byte[] bytes = new byte[kind == 0 ? (1 << 20) + chance.Next(300_000) : kind == 1 ? 0 : chance.Next(1, 5000)];
        new Random(kind < 4 ? bytes.Length : chance.Next()).NextBytes(bytes);
        return kind == 2 ? "again"u8.ToArray() : bytes;
    }

    public string Release() => Releases[chance.Next(Releases.Length)];

    public string File() => Files[chance.Next(Files.Length)];

    public PlayedAct Choose(string release)
    {
        (string name, string other) = (File(), File());
        switch (chance.Next(12))
        {
            case 0 or 1:
                return Stage(release, name);
            case 2 or 3 or 4 or 5:
                return new(new($"{Number()} activate {release}", world => world.Activate(release)),
                    async (publisher, token) => Told(await publisher.ActivateAsync(release, null, token)));
            case 6 or 7 or 8:
                string? named = chance.Next(2) == 0 ? null : release;
                return new(new($"{Number()} rollback {named}", world => world.RollBack(named)),
                    async (publisher, token) => Told(await publisher.RollBackAsync(named, null, token)));
            case 9 when name != other:
                bool isForced = chance.Next(2) == 0;
                return new(new($"{Number()} move {name} to {other}{(isForced ? " by force" : "")}",
                    world => world.Move(name, other, isForced)),
                    async (publisher, token) =>
                    {
                        await publisher.MoveAsync(
                            PlayedClients.NameOf(name), PlayedClients.NameOf(other), isForced, token);
                        return null;
                    });
            case 10 when chance.Next(2) == 0:
                return new(new($"{Number()} unstage {release}", world => world.Unstage(release)),
                    async (publisher, token) => await publisher.UnstageAsync(release, token) < 0 ? _ => false : null);
            default:
                return Put(name);
        }
    }

    public PlayedAct Stage(string release, string name)
    {
        byte[]? bytes = chance.Next(4) == 0 ? null : Bytes();
        string hash = PublishedModel.HashOf(bytes);
        string encoded = name.Replace(" ", "%20", StringComparison.Ordinal);
        return new(new($"{Number()} stage {name} {hash} in {release}", world => world.Stage(release, name, hash)),
            async (publisher, token) =>
            {
                if (bytes is null) await publisher.OrderAsync($"REMOVE {encoded} release={release}", token);
                else
                {
                    await publisher.PutAsync(PlayedClients.NameOf(name), new MemoryStream(bytes),
                        new PutOptions { Replicas = 2, Release = release }, null, token);
                }
                return null;
            });
    }

    public PlayedAct Put(string name)
    {
        byte[]? bytes = chance.Next(5) == 0 ? null : Bytes();
        bool isNew = chance.Next(5) == 0;
        string hash = PublishedModel.HashOf(bytes);
        return new(new($"{Number()} {(bytes is null ? "remove" : "put")} {name} {hash}{(isNew ? " as new" : "")}",
            world => bytes is null ? world.Remove(name) : world.Put(name, hash, isNew)),
            async (_, token) =>
            {
                if (bytes is null) await clients.RemoveAsync(name, token);
                else await clients.PutAsync(name, bytes, isNew, token);
                return null;
            });
    }

    private string Number() => $"#{++_changes}";

    // As many names turned as were staged; what was asked for beside it may have come between.
    private static Predicate<BookWorld> Told(ReleaseReceipt receipt) => world =>
        world.StateOf(receipt.Release) != "active"
        || receipt.Files == world.Before.Keys.Count(key => key.Release == receipt.Release);
}
