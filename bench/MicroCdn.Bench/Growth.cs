using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Monitor;
using MicroCdn.Protocol;
using MicroCdn.Records;

namespace MicroCdn.Bench;

/// <summary>What each operation of an index costs with more and more names on more and more servers, in this process
/// and without network and disk.</summary>
internal static class Growth
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "What a lookup, a put, a change of the book, a look at all names, a heartbeat and the "
        + "death of a server cost with 100,000 and a million names on 10, 100 and 1,000 simulated servers, or up to "
        + "--objects names; and the memory of a name";

    private const int Replicas = 3, Together = 10_000;

    public static void Run(Settings settings)
    {
        int most = settings.Objects ?? (settings.Quick ? 10_000 : 1_000_000);
        Table table = new($"Growth, {Replicas} copies of each name", "names", "servers", "bytes a name", "groups",
            "lookup, ns", "places for a put, us", "change of the book, us", $"change of {Together:N0} names, ms",
            "look at all names, ms", "list of a server, files", "ms", "heartbeat, ns", "death of a server, us");
        foreach (int names in new[] { most / 10, most })
        {
            foreach (int servers in new[] { 10, 100, 1_000 })
            {
                Machine.Say($"{names:N0} names on {servers:N0} servers");
                Measure(table, names, servers);
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }
        }
        table.Print("Processor time, each figure once, in the sequence of the columns. The bytes are those of "
            + "the heap after a collection, 55 of them the name's own; groups are the different sets of servers that "
            + $"hold a name. Load average {PublishFleet.Load()}.");
    }

    private static void Measure(Table table, int names, int count)
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        World world = new(names, count);
        double bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)names;
        int look = Math.Min(names, 200_000);
        double lookup = Time(look, world.LookUp), places = Time(2_000, world.Place);
        double change = Time(2_000, number => world.Change(number, 1));
        double large = Time(3, number => world.Change(5_000 + (number * Together), Math.Min(Together, names / 4)));
        double all = Time(1, _ => world.LookAtAll());
        (double list, int files) = world.TimeList();
        table.Add(Show(names), Show(count), Show(bytes, 0), Show(world.Groups), Show(lookup * 1e9, 0),
            Show(places * 1e6, 1), Show(change * 1e6, 1), Show(large * 1e3, 1), Show(all * 1e3, 1),
            Show(files), Show(list * 1e3, 1), Show(world.TimeHeartbeat() * 1e9, 0), Show(world.TimeDeath() * 1e6, 0));
        GC.KeepAlive(world);
    }

    // Seconds of processor time for each, after a tenth as many to warm up; one alone is not repeated.
    private static double Time(int times, Action<int> act)
    {
        for (int time = 0; time < times / 10; time++) act(time);
        TimeSpan began = Environment.CpuUsage.TotalTime;
        for (int time = 0; time < times; time++) act(time);
        return (Environment.CpuUsage.TotalTime - began).TotalSeconds / times;
    }

    private static string Show(double figure, int digits = 0) =>
        figure.ToString($"N{digits}", CultureInfo.InvariantCulture);

    /// <summary>An index's memory with names on servers that are alike.</summary>
    private sealed class World
    {
        private readonly global::MicroCdn.Index.Catalog _catalog = new(1);
        private readonly Fleet _fleet = new(TimeProvider.System);
        private readonly CopyPlace[] _places;
        private readonly Router _router;
        private readonly Book _book;
        private readonly Random _chance = new(1);
        private readonly int _names;
        private readonly byte[] _name = new byte[Catalog.NameLength];

        /// <summary>What was seen, so that no compiler leaves the looking out.</summary>
        public long Seen { get; private set; }

        public World(int names, int servers)
        {
            _names = names;
            _router = new Router(_catalog, _fleet, new Chance(1));
            _book = new Book(_catalog, 1);
            _places = [.. Enumerable.Range(0, servers).Select(Enlist)];
            for (int number = 0; number < names; number++)
            {
                Catalog.WriteName(number, _name);
                _catalog.Publish(_name, Published(number, 1), Any(servers));
            }
        }

        /// <summary>How many different sets of servers hold some name.</summary>
        public int Groups
        {
            get
            {
                global::MicroCdn.Index.Catalog.View view = _catalog.Now;
                HashSet<string> groups = [];
                foreach (int row in view.Names)
                {
                    groups.Add(string.Join(' ', view.Holders(row, _fleet.Servers, out FileState _)));
                }
                return groups.Count;
            }
        }

        public void LookUp(int time)
        {
            Catalog.WriteName(_chance.Next(_names), _name);
            _router.Choose(_name, new Asker(IPAddress.Loopback, OverIPv4: true), out long size, out _);
            Seen += size;
        }

        public void Place(int time) => Seen += Holders(time + _names).Length;

        /// <summary>Applies a change of the book that replaces so many names that follow one another.</summary>
        public void Change(int first, int count)
        {
            RecordRow[] rows = new RecordRow[count];
            for (int row = 0; row < count; row++)
            {
                int number = (first + row) % _names;
                byte[] name = new byte[Catalog.NameLength];
                Catalog.WriteName(number, name);
                rows[row] = new RecordRow((byte)BookKind.Name, name, Published(number, _book.NextRevision).Write());
                _book.Expect(name, Any(_places.Length));
            }
            _book.Apply(new RecordChange(_book.Number + 1, rows));
        }

        /// <summary>What a sweep for copies that are missing looks at.</summary>
        public void LookAtAll()
        {
            global::MicroCdn.Index.Catalog.View view = _catalog.Now;
            Server[] servers = _fleet.Servers;
            foreach (int row in view.Names)
            {
                if (!view.TryPublished(row, out PublishedName published)) continue;
                foreach (ushort holder in view.Holders(row, servers, out FileState _))
                {
                    if (servers[holder].State < ServerState.Suspect) Seen += published.Revision;
                }
            }
        }

        /// <summary>A server tells all that it has.</summary>
        public (double Seconds, int Files) TimeList()
        {
            Server server = _fleet.Servers[0];
            FileList list = new(_catalog.Now);
            global::MicroCdn.Index.Catalog.View view = _catalog.Now;
            foreach (int row in view.Names)
            {
                if (view.Holders(row, _fleet.Servers, out FileState state).Contains((ushort)server.Number)
                    && view.TryPublished(row, out PublishedName published))
                {
                    list.Add(view.NameOf(row), state, published.Revision);
                }
            }
            return (Time(1, _ => _catalog.Replace(server.Number, list)), Math.Max(1, list.Count));
        }

        public double TimeHeartbeat()
        {
            Roster roster = new(TimeProvider.System, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(1));
            byte[][] beats = [.. _places.Select(place =>
                Encoding.ASCII.GetBytes($"HEARTBEAT S{place.Number} 127.0.0.1 7001 3 42"))];
            return Time(200_000, time =>
            {
                if (Heartbeat.TryParse(beats[time % beats.Length], out Heartbeat beat))
                    _ = roster.Record(beat, Stopwatch.GetTimestamp(), out _);
            });
        }

        // No name is touched: what is looked up goes by the server's state.
        public double TimeDeath() => Time(100, time =>
            _fleet.MarkDead(_fleet.Servers[time % _fleet.Servers.Length].Id));

        private CopyPlace Enlist(int number)
        {
            ServerId.TryCreate($"S{number}", out ServerId id);
            Server server = _fleet.Enlist(id)!;
            _fleet.Registered(server, new Contact(id, IPAddress.Loopback, 7001, 7002));
            return new CopyPlace(server.Number, server.Spot, 1L << 40, 1L << 39, $"zone {number % 4}");
        }

        private static PublishedName Published(int number, long revision) => new(revision,
            new FileState(Catalog.Size(number), Catalog.Digest(number), Catalog.Seconds), Replicas);

        // With servers that are alike every set is as likely as any other.
        private ushort[] Any(int servers)
        {
            HashSet<ushort> holders = [];
            while (holders.Count < Replicas) holders.Add((ushort)_chance.Next(servers));
            return [.. holders.Order()];
        }

        private ushort[] Holders(int number) => [.. Placement.Choose(Catalog.Digest(number), 1, Replicas, false, _places,
            _ => false).Select(server => (ushort)server)];
    }
}
