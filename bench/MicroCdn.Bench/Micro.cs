using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using MicroCdn.Index;
using MicroCdn.Monitor;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace MicroCdn.Bench;

/// <summary>Times the hot paths inside one process and counts what they allocate; then one full collection.</summary>
public static class Micro
{
    internal static void Run(Settings settings)
    {
        ManualConfig config = ConfigOf(settings);
        HotPaths.Files = settings.Files;
        BenchmarkRunner.Run<MicroRequests>(config);
        BenchmarkRunner.Run<HotPaths>(config);
        Collect(settings);
    }

    /// <summary>What rules and signed links cost.</summary>
    internal static void RunAccess(Settings settings) => BenchmarkRunner.Run<MicroAccess>(ConfigOf(settings));

    private static ManualConfig ConfigOf(Settings settings)
    {
        InProcessNoEmitToolchain here = new(TimeSpan.FromMinutes(5), logOutput: false);
        Job job = (settings.Quick ? Job.Dry : Job.ShortRun).WithToolchain(here);
        return ManualConfig.Create(DefaultConfig.Instance).AddJob(job)
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "microcdn-bench-micro"));
    }

    private static void Collect(Settings settings)
    {
        World world = new(settings.Files);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        List<double> times = [];
        for (int round = 0; round < 20; round++)
        {
            long began = Stopwatch.GetTimestamp();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
        times.Sort();
        Table table = new($"A full collection with {settings.Files:N0} files x 3 servers in the catalog",
            "least, ms", "median, ms", "most, ms");
        table.Add(Show(times[0]), Show(times[times.Count / 2]), Show(times[^1]));
        table.Print("Forced and blocking, 20 in a row, in this process with the same catalog as the index has.");
        GC.KeepAlive(world);
    }

    private static string Show(double milliseconds) => milliseconds.ToString("N2", CultureInfo.InvariantCulture);

    /// <summary>The paths that every request or heartbeat takes.</summary>
    [MemoryDiagnoser]
    public class HotPaths
    {
        // Far more than the processor caches hold.
        private const int Names = 1 << 17;
        private readonly byte[][] _lines = new byte[Names][];
        private World _world = null!;
        private ILineSession _session = null!;
        private Network.Conversation _conversation = null!;
        private byte[][] _segments = [];
        private Answer _answer = null!;
        private Roster _roster = null!;
        private byte[] _beat = [];
        private int _next;

        internal static int Files { get; set; } = 1_000_000;

        /// <summary>Fills the catalog.</summary>
        [GlobalSetup]
        public void Fill()
        {
            _world = new World(Files);
            _session = _world.Service.Open(new Loopback());
            _answer = new Answer(new BufferPool(), null);
            Random chance = new(1);
            for (int n = 0; n < Names; n++)
            {
                _lines[n] = Encoding.UTF8.GetBytes($"GET {World.NameOf(chance.Next(Files))}");
            }
            _conversation = ((IConversations)_world.Service).Begin(new Loopback(), new Answer(new BufferPool(), null), 0);
            _segments = [.. _lines.Chunk(16).Select(lines =>
                lines.SelectMany(line => (byte[])[.. line, (byte)'\n']).ToArray())];
            _roster = new Roster(TimeProvider.System, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(1));
            _beat = "HEARTBEAT CS1 127.0.0.1 7001 3 42"u8.ToArray();
        }

        /// <summary>One GET of a random name, from the line to the answer.</summary>
        [Benchmark]
        public void Lookup()
        {
            _session.Handle(_lines[_next++ % Names], _answer);
            _answer.TextSent(_answer.UnsentBytes);
        }

        /// <summary>One GET of a random name of sixteen that came together, from the bytes to the answers.</summary>
        [Benchmark(OperationsPerInvoke = 16)]
        public void PipelinedLookup()
        {
            _conversation.Receive(_segments[_next++ % _segments.Length], 0);
            _conversation.Answer.TextSent(_conversation.Answer.UnsentBytes);
        }

        /// <summary>One heartbeat of a known server, from the datagram to the roster.</summary>
        [Benchmark]
        public bool Beat() => Heartbeat.TryParse(_beat, out Heartbeat beat)
            && _roster.Record(beat, Stopwatch.GetTimestamp(), out _) is null;
    }

    // The catalog of an index with three servers that hold the same files.
    private sealed class World
    {
        public World(int files)
        {
            Router router = new(new global::MicroCdn.Index.Catalog(1), new Fleet(TimeProvider.System),
                new Chance(1));
            Applied applied = new(router, NullLogger.Instance);
            for (int server = 1; server <= 3; server++)
            {
                FileList list = new();
                for (int n = 0; n < files; n++) list.Add(Encoding.UTF8.GetBytes(NameOf(n)), n);
                ServerId.TryCreate($"CS{server}", out ServerId id);
                applied.Apply(new Application(id, new Contact(id, IPAddress.Loopback, 7001, 7002), list,
                    new Answer(new BufferPool(), null)));
            }
            Service = new IndexService(router, new TrustedNetworks([]), applied,
                new Complaints(NullLogger.Instance, TimeProvider.System), NullLogger.Instance);
        }

        public IndexService Service { get; }

        public static string NameOf(int number) =>
            $"releases/2026/channel-stable/pkg-{number:D7}-{number % 997:D6}.tar.zst";
    }
}
