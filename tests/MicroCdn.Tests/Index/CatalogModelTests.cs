using CsCheck;
using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Index;

/// <summary>Runs random registrations, changes and deaths against a catalog and against a naive model of its
/// rules.</summary>
public sealed class CatalogModelTests
{
    private const int Servers = 6;
    private static readonly string[] Files = ["a", "b", "c", "a b", "%41", "deep/er"];

    private static readonly Gen<Step> Registers = Steps(Gen.OneOf(1L, 2L, 3L, 1L << 43, long.MaxValue),
        Gen.OneOf("", "", "x", "y"), isChange: false);

    private static readonly Gen<Step> RegistersAsVersion1 =
        Steps(Gen.OneOf(1L, 2L, 3L, 1L << 44, long.MaxValue), Gen.OneOf(""), isChange: false);

    private static readonly Gen<Step> Changes = Steps(Gen.OneOf(-1L, 1L, 1L, 2L, long.MaxValue),
        Gen.OneOf("", "x", "y", "z"), isChange: true);

    private static readonly Gen<Step> ChangesState = Gen.Select(Gen.Int[0, Servers - 1], Gen.Bool)
        .Select((server, alive) => new Step(server, [], false, alive));

    [Fact]
    public void The_catalog_agrees_with_a_naive_model_over_random_registrations_and_deaths() =>
        Check(Gen.Frequency((3, RegistersAsVersion1), (1, ChangesState)));

    [Fact]
    public void It_agrees_also_where_digests_are_told_and_lists_are_changed() =>
        Check(Gen.Frequency((1, RegistersAsVersion1), (2, Registers), (4, Changes), (1, ChangesState)));

    private static void Check(Gen<Step> step) => step.Array[1, 100].Sample(steps =>
    {
        Catalog catalog = new(3);
        Model model = new();
        Server[] servers = Lists.Alive(Servers);
        foreach (Step next in steps)
        {
            if (next.Alive is { } alive) servers[next.Server].State = alive ? ServerState.Alive : ServerState.Dead;
            else
            {
                FileList list = Lists.Digested(next.Files);
                List<int> disputed = next.IsChange ? catalog.Change(next.Server, list)
                    : catalog.Replace(next.Server, list);
                model.Tell(next.Server, next.Files, next.IsChange);
                Assert.Equal(next.Files.Where(file => file.Size >= 0).Select(file => file.Name)
                    .Where(model.IsDisputed).Order(),
                    disputed.Select(row => System.Text.Encoding.UTF8.GetString(catalog.Now.NameOf(row))).Order());
            }
            Assert.Equal(model.Count, catalog.Count);
            foreach (string file in Files)
            {
                Assert.Equal(model.Look(file, servers), catalog.LookFully(file, servers));
            }
        }
    }, iter: 200, print: steps => string.Join('\n', steps.Select(step => step.ToString())));

    private static Gen<Step> Steps(Gen<long> sizes, Gen<string> digests, bool isChange) =>
        Gen.Select(Gen.Int[0, Servers - 1], Gen.Select(Gen.Int[0, Files.Length - 1], sizes, digests).Array[0, 8])
        .Select((server, files) => new Step(server, [.. files.DistinctBy(file => file.Item1)
            .Select(file => (Files[file.Item1], file.Item2, file.Item3))], isChange, null));

    private sealed record Step(int Server, (string Name, long Size, string Digest)[] Files, bool IsChange, bool? Alive)
    {
        public override string ToString() => Alive is { } alive ? $"{Server} is {(alive ? "alive" : "dead")}"
            : $"{Server} {(IsChange ? "changes" : "has")} "
                + string.Join(' ', Files.Select(file => $"'{file.Name}'={file.Size}{file.Digest}"));
    }

    /// <summary>For each name what each server says of it, and when it came to say so.</summary>
    private sealed class Model
    {
        private readonly Dictionary<string, List<Claim>> _claims =
            Files.ToDictionary(name => name, _ => new List<Claim>());

        private int _now;

        public int Count => _claims.Values.Count(claims => claims.Count > 0);

        public bool IsDisputed(string name) => Candidates(_claims[name]).Length > 1;

        public void Tell(int server, (string Name, long Size, string Digest)[] files, bool isChange)
        {
            _now++;
            foreach ((string name, long size, string digest) in files)
            {
                if (size < 0) Leave(_claims[name], server);
                else Put(_claims[name], server, size, digest);
            }
            foreach ((string name, List<Claim> claims) in _claims)
            {
                if (!isChange && !Array.Exists(files, file => file.Name == name)) Leave(claims, server);
                // A file on which all agree keeps no times: its claims are the oldest there are.
                if (Candidates(claims).Length > 1) continue;
                foreach (Claim claim in claims) claim.Changed = 0;
            }
        }

        public (long, FileDigest, string)? Look(string name, Server[] servers)
        {
            List<Claim> claims = _claims[name];
            if (claims.Count == 0) return null;
            (Claim Claim, int[] Offered, int Recent) best = Candidates(claims)
                .OrderByDescending(c => c.Offered.Count(holder => servers[holder].IsAsked))
                .ThenByDescending(c => c.Recent).ThenByDescending(c => c.Claim.Changed).First();
            return (best.Claim.Size, Lists.Digest(best.Claim.Digest), string.Join(',', best.Offered.Order()));
        }

        // What can win: a claim without a digest counts with those of its size that have one.
        private static (Claim Claim, int[] Offered, int Recent)[] Candidates(List<Claim> claims) =>
            [.. claims.Where(c => c.Digest != "" || !claims.Exists(d => d.Size == c.Size && d.Digest != "")).Select(c =>
            {
                Claim[] all = [c, .. claims.Where(d => d != c && d.Size == c.Size && d.Digest == "")];
                return (c, all.SelectMany(d => d.Holders).ToArray(), all.Max(d => d.Changed));
            })];

        private void Put(List<Claim> claims, int server, long size, string digest)
        {
            Claim? before = claims.Find(claim => claim.Holders.Contains(server));
            if (before is not null && before.Size == size && before.Digest == digest) return;
            Leave(claims, server);
            bool learns = before is not null && before.Size == size && before.Digest == "";
            bool differs = claims.Exists(c => c.Size == size && c.Digest != "" && c.Digest != digest);
            Claim? same = claims.Find(claim => claim.Size == size && claim.Digest == digest);
            if (same is null) claims.Add(same = new Claim(size, digest));
            same.Holders.Add(server);
            same.Changed = Math.Max(same.Changed, learns && !differs ? before!.Changed : _now);
        }

        private static void Leave(List<Claim> claims, int server)
        {
            foreach (Claim claim in claims) claim.Holders.Remove(server);
            claims.RemoveAll(claim => claim.Holders.Count == 0);
        }
    }

    private sealed class Claim(long size, string digest)
    {
        public long Size => size;

        public string Digest => digest;

        public SortedSet<int> Holders { get; } = [];

        public int Changed { get; set; }
    }
}
