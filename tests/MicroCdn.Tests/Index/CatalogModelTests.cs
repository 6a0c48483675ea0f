using CsCheck;
using MicroCdn.Index;

namespace MicroCdn.Tests.Index;

/// <summary>Runs random registrations and deaths against a catalog and against a naive model of its rules.</summary>
public sealed class CatalogModelTests
{
    private const int Servers = 6;
    private static readonly string[] Files = ["a", "b", "c", "a b", "%41", "deep/er"];

    private static readonly Gen<Step> Registers = Gen.Select(Gen.Int[0, Servers - 1],
        Gen.Select(Gen.Int[0, Files.Length - 1], Gen.OneOf(1L, 2L, 3L, 1L << 44, long.MaxValue)).Array[0, 8])
        .Select((server, files) => new Step(server, [.. files.DistinctBy(file => file.Item1)
            .Select(file => (Files[file.Item1], file.Item2))], null));

    private static readonly Gen<Step> ChangesState = Gen.Select(Gen.Int[0, Servers - 1], Gen.Bool)
        .Select((server, alive) => new Step(server, [], alive));

    [Fact]
    public void The_catalog_agrees_with_a_naive_model_over_random_registrations_and_deaths()
    {
        Gen.Frequency((3, Registers), (1, ChangesState)).Array[1, 100].Sample(steps =>
        {
            Catalog catalog = new(3);
            Model model = new();
            Server[] servers = Lists.Alive(Servers);
            foreach (Step step in steps)
            {
                if (step.Alive is { } alive) servers[step.Server].IsAlive = alive;
                else
                {
                    List<int> disputed = catalog.Replace(step.Server, Lists.Of(step.Files));
                    model.Replace(step.Server, step.Files);
                    Assert.Equal(step.Files.Select(file => file.Item1).Where(model.IsDisputed).Order(),
                        disputed.Select(number => System.Text.Encoding.UTF8.GetString(catalog.Now.NameOf(number)))
                            .Order());
                }
                Assert.Equal(model.Count, catalog.Count);
                foreach (string file in Files) Assert.Equal(model.Look(file, servers), catalog.Look(file, servers));
            }
        }, iter: 100, print: steps => string.Join('\n', steps.Select(step => step.ToString())));
    }

    private sealed record Step(int Server, (string, long)[] Files, bool? Alive)
    {
        public override string ToString() => Alive is { } alive ? $"{Server} is {(alive ? "alive" : "dead")}"
            : $"{Server} has {string.Join(' ', Files.Select(file => $"'{file.Item1}'={file.Item2}"))}";
    }

    /// <summary>For each name its claims: a size, who holds it, and when a server last came to hold it.</summary>
    private sealed class Model
    {
        private readonly Dictionary<string, List<Claim>> _claims = [];
        private int _now;

        public int Count => _claims.Count(entry => entry.Value.Count > 0);

        public bool IsDisputed(string name) => _claims[name].Count > 1;

        public void Replace(int server, (string Name, long Size)[] files)
        {
            _now++;
            foreach ((string name, long size) in files) Put(name, server, size);
            HashSet<string> told = [.. files.Select(file => file.Name)];
            foreach ((string name, List<Claim> claims) in _claims)
            {
                if (!told.Contains(name)) Leave(claims, server);
            }
        }

        public (long, string)? Look(string name, Server[] servers)
        {
            if (!_claims.TryGetValue(name, out List<Claim>? claims) || claims.Count == 0) return null;
            Claim best = claims.OrderByDescending(claim => claim.Holders.Count(holder => servers[holder].IsAlive))
                .ThenByDescending(claim => claim.Changed).First();
            return (best.Size, string.Join(',', best.Holders));
        }

        private void Put(string name, int server, long size)
        {
            List<Claim> claims = _claims.TryGetValue(name, out List<Claim>? known) ? known : _claims[name] = [];
            if (claims.Exists(claim => claim.Size == size && claim.Holders.Contains(server))) return;
            Leave(claims, server);
            Claim? same = claims.Find(claim => claim.Size == size);
            if (same is null) claims.Add(same = new Claim(size));
            same.Holders.Add(server);
            same.Changed = _now;
        }

        private static void Leave(List<Claim> claims, int server)
        {
            foreach (Claim claim in claims) claim.Holders.Remove(server);
            claims.RemoveAll(claim => claim.Holders.Count == 0);
        }
    }

    private sealed class Claim(long size)
    {
        public long Size => size;

        public SortedSet<int> Holders { get; } = [];

        public int Changed { get; set; }
    }
}
