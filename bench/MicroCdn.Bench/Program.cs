using System.CommandLine;
using System.Net.Sockets;
using MicroCdn.Bench;

(string Name, string What, Action<Settings> Run)[] benchmarks =
[
    ("downloads", "Downloads over the line protocol, against nginx", Downloads.Run),
    ("http", "HTTP/1.1 in clear text, against nginx", Http.Run),
    ("https", "HTTPS with HTTP/1.1 and HTTP/2, against nginx", Https.Run),
    ("fairness", "How long small requests wait beside large downloads", Fairness.Run),
    ("slow", "Memory of slow downloads and of idle connections over HTTP", Slow.Run),
    ("start", "Start of a content server with 100,000 files", Start.Run),
    ("bitrot", "How soon a content server finds the files that rotted, and what hashing costs", Rot.Run),
    ("lookups", "Lookups in an index of a million files on three servers", Lookups.Run),
    ("memory", "Memory of that index, and how long registration takes", Memory.Run),
    ("heartbeats", "Heartbeats that one core of the monitor takes in", Heartbeats.Run),
    ("idle", "Memory of a server at rest, and of idle connections", Idle.Run),
];

const string published = "artifacts/publish/MicroCdn/release/microcdn";
Option<string?> server = new("--server") { Description = $"The microcdn executable or dll [default: {published}]" };
Option<int> rounds = new("--rounds") { Description = "Measured rounds", DefaultValueFactory = _ => 5 };
Option<double> seconds = new("--seconds") { Description = "Length of a round", DefaultValueFactory = _ => 2 };
Option<bool> quick = new("--quick") { Description = "Tests the harness: one round of 0.5 s, fewer files" };
Option<string[]> up = new("--up") { Description = "An argument for `microcdn up`; may be repeated" };
Option<int> times = new("--times")
{
    Description = "Rounds of `kills`, purges of `purge --edges`", DefaultValueFactory = _ => 30,
};
Option<string?> only = new("--only") { Description = "The one file size to download, such as \"1 MiB\"" };
Option<int?> objects = new("--objects") { Description = "Copies on disk for `restart` and `purge`, names for `book`" };
Option<int?> edges = new("--edges") { Description = "Measures how soon `purge` reaches so many edges, by the index" };

RootCommand root = new("Benchmarks of MicroCDN: whole servers on one core of this machine, the load on another");
foreach (Option option in (Option[])[server, rounds, seconds, quick, up, only, times, objects, edges])
{
    option.Recursive = true;
    root.Add(option);
}
foreach ((string name, string what, Action<Settings> run) in benchmarks) Add(name, what, run);
Add("micro", "The hot paths inside one process: time and allocations; and one full collection", Micro.Run);
root.Add(DetectionTimes.Create());
Add("redirects", "Redirects of the gateway, with a million files on three servers", Redirects.Run);
Add("forgery", "Forged and replayed control messages at a cluster with a key", Forgery.Run);
Add("survive", "10,000 downloads of 8 MiB while one of three servers is killed every 2 s", Survive.Run);
Add("kills", Kills.Help, Kills.Run);
Add("verify", "What verifying a download costs the client", Verify.Run);
Add("eviction", Evictions.Help, Evictions.Run);
Add("cache", CacheHits.Help, CacheHits.Run);
Add("cold", Cold.Help, Cold.Run);
Add("restart", Restart.Help, Restart.Run);
Add("purge", PurgeTimes.Help, PurgeTimes.Run);
Add("records", RecordTimes.Help, RecordTimes.Run);
Add("publish", PublishTimes.Help, PublishTimes.Run);
Add("indexes", IndexTimes.Help, IndexTimes.Run);
Add("failover", Failover.Help, Failover.Run);
Add("heal", HealTimes.Help, HealTimes.Run);
Add("release", ReleaseTimes.Help, ReleaseTimes.Run);
Add("book", PublishedBook.Help, PublishedBook.Run);
Add("growth", Growth.Help, Growth.Run);
Add("admin", AdminTimes.Help, AdminTimes.Run);
Add("accesslog", AccessLogs.Help, AccessLogs.Run);
Add("interrupt", Interrupts.Help, Interrupts.Run);
Add("otlp", Telemetry.Help, Telemetry.Run);
Add("access", "Rules and signed links inside one process: time and allocations, refused requests against served", Micro.RunAccess);
Add("all", "Those from `downloads` to `idle`, one after the other",
    settings => Array.ForEach(benchmarks, one => one.Run(settings)));

try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception) when (Workspace.Interrupted)
{
    return 130;
}
catch (Exception failure) when (failure is BenchException or MicroCdn.Client.CdnException or IOException or SocketException)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}

void Add(string name, string what, Action<Settings> run)
{
    Command command = new(name, what);
    command.SetAction(words =>
    {
        if (!OperatingSystem.IsLinux()) throw new BenchException("The benchmarks need Linux.");
        bool isQuick = words.GetValue(quick);
        Settings settings = new()
        {
            Server = Path.GetFullPath(words.GetValue(server) ?? Path.Combine(Machine.Top, published)),
            Rounds = isQuick ? 1 : Math.Clamp(words.GetValue(rounds), 1, 100),
            Round = TimeSpan.FromSeconds(isQuick ? 0.5 : Math.Clamp(words.GetValue(seconds), 0.1, 60)),
            Quick = isQuick,
            Times = isQuick ? 1 : Math.Clamp(words.GetValue(times), 1, 1000),
            Only = words.GetValue(only),
            Objects = words.GetValue(objects) is { } wanted ? Math.Clamp(wanted, 1_000, 10_000_000) : null,
            Edges = words.GetValue(edges) is { } many ? Math.Clamp(many, 1, PurgeFleet.Most) : null,
            UpArguments = words.GetValue(up) ?? [],
        };
        if (!File.Exists(settings.Server))
            throw new BenchException(
                $"There is no server at {settings.Server}: "
                + "publish it with `dotnet publish src/MicroCdn -c Release`, or name one with --server.");
        _ = Machine.Program("taskset", "util-linux");
        Workspace.CleanUpWhenInterrupted();
        Console.WriteLine(Machine.Describe());
        if (isQuick) Console.WriteLine("A test of the harness: these figures mean nothing.");
        Machine.PinLoad();
        run(settings);
    });
    root.Add(command);
}
