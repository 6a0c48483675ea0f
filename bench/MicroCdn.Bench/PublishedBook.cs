using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Records;

namespace MicroCdn.Bench;

/// <summary>An index with a book of many published names on three servers: its memory, its lookups, its
/// starts.</summary>
internal static class PublishedBook
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "An index with a million names published on three servers, with digest, revision and a "
        + "policy, or --objects N of them: start to the first right answer (bar: 2 s; 20 s with ten million), memory "
        + "(bar: 200 bytes a file at a million; 2.5 GiB with ten million), and lookups";

    private const int Servers = 3, Batch = 20_000;
    private const double Mebibyte = 1 << 20;

    /// <summary>The change that published a file.</summary>
    public static long RevisionOf(int number) => (number / Batch) + 2;

    public static void Run(Settings settings)
    {
        int names = settings.Objects ?? (settings.Quick ? 20_000 : 1_000_000);
        using Workspace workspace = new(settings);
        string state = workspace.MakeFolder("book");
        long began = Stopwatch.GetTimestamp();
        Write(state, names);
        Machine.Say($"{names:N0} names were written in {Stopwatch.GetElapsedTime(began).TotalSeconds:N1} s");
        Table memory = new($"Memory of the index: {names:N0} names published on {Servers} servers", "state",
            "in RAM, MiB", "above empty, bytes/name", "most so far, MiB");
        long empty = MeasureEmpty(settings, workspace, memory);
        int port = Machine.FreePort();
        ServerProcess index = Index.Begin(workspace, $"{Machine.ServerCore}", state, port);
        WaitUntilItListens(index, port);
        AddRow("the book is read");
        using (Crew crew = new(port, names))
        {
            AddRow("three servers are registered");
            Machine.Wait(settings.Patience(15));
            AddRow("after 15 s of quiet");
            memory.Print($"Names have {Catalog.NameLength} bytes. Memory is VmRSS, with the runtime's shared pages and "
                + $"garbage. Load average {PublishFleet.Load()}.");
            crew.Times.Print("Each over one connection, one after the other.");
            Lookups.Measure(settings, index, port, names, "published names");
            // It has written down who has what, and does so again as it ends.
            Machine.Wait(settings.Patience(35));
            MeasureStarts(settings, workspace, index, state, port, names);
        }

        void AddRow(string what) => Add(memory, what, index, empty, names);
    }

    private static void Add(Table table, string what, ServerProcess index, long empty, int names)
    {
        long now = index.Memory;
        table.Add(what, $"{now / Mebibyte:N1}", $"{(now - empty) / (double)names:N1}",
            $"{index.MostMemory / Mebibyte:N1}");
    }

    private static long MeasureEmpty(Settings settings, Workspace workspace, Table memory)
    {
        (ServerProcess index, int port) = Index.Start(workspace, $"{Machine.ServerCore}");
        Memory.Warm(port);
        index.WaitUntilQuiet(settings.Patience(10));
        long empty = index.Memory;
        Add(memory, "empty, warm", index, empty, 1);
        workspace.Stop(index);
        return empty;
    }

    // Of each round the processor time too: somebody else may have had the core.
    private static void MeasureStarts(
        Settings settings, Workspace workspace, ServerProcess index, string state, int port, int names)
    {
        List<double> starts = [], processors = [], memories = [];
        for (int round = 0; round < settings.Rounds; round++)
        {
            workspace.Stop(index);
            long began = Stopwatch.GetTimestamp();
            index = Index.Begin(workspace, $"{Machine.ServerCore}", state, port);
            int number = (int)((round + 0.5) / settings.Rounds * names);
            index.WaitFor("microcdn index", () => IsTold(port, number), TimeSpan.FromMilliseconds(2));
            starts.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            processors.Add(index.ProcessorTime.TotalSeconds);
            memories.Add(index.MostMemory / Mebibyte);
        }
        Table table = new($"Start with {names:N0} published names", "what", "measured");
        table.Add("first right answer to LOCATE, s", Spread.Of(starts).Show("N2"));
        table.Add("processor time until then, s", Spread.Of(processors).Show("N2"));
        table.Add("most memory until then, MiB", Spread.Of(memories).Show("N0"));
        table.Print($"Medians (least-most) of {starts.Count} starts on all cores, the database in the page cache; nobody "
            + $"registers: the last known holders are told. Load average {PublishFleet.Load()}.");
    }

    // True when the digest is right and somebody is named.
    private static bool IsTold(int port, int number)
    {
        try
        {
            using Conversation conversation = new(port);
            conversation.Demand("HELLO 2", "WELCOME MICRO-CDN 2");
            byte[] name = new byte[Catalog.NameLength];
            Catalog.WriteName(number, name);
            string line = conversation.Ask($"LOCATE {Encoding.ASCII.GetString(name)}");
            if (line.StartsWith("ERROR ", StringComparison.Ordinal)) return false;
            if (!line.Contains($" sha256={Catalog.Digest(number)} ", StringComparison.Ordinal))
                throw new InvalidDataException($"The first answer was `{line}`.");
            return conversation.ReadLine().StartsWith("SERVER ", StringComparison.Ordinal);
        }
        catch (Exception failure) when (failure is SocketException or BenchException)
        {
            return false;
        }
    }

    private static void WaitUntilItListens(ServerProcess index, int port) => index.WaitFor("microcdn index",
        () => Conversation.Answers(port, "HELLO", "WELCOME"), TimeSpan.FromMilliseconds(2));

    // As puts would have left it, but with many names in each change.
    private static void Write(string folder, int names)
    {
        SqliteRecordStore store = new(folder);
        byte[] prefix = Encoding.UTF8.GetBytes("releases/");
        Wait(store.CommitAsync(
            1, [new RecordRow((byte)BookKind.Policy, prefix, new ReplicationPolicy(3, IsSpread: false, []).Write())], default));
        for (int done = 0; done < names; done += Batch)
        {
            RecordRow[] rows = new RecordRow[Math.Min(Batch, names - done)];
            for (int row = 0; row < rows.Length; row++)
            {
                int number = done + row;
                byte[] name = new byte[Catalog.NameLength];
                Catalog.WriteName(number, name);
                FileState state = new(Catalog.Size(number), Catalog.Digest(number), Catalog.Seconds);
                rows[row] = new RecordRow(
                    (byte)BookKind.Name, name, new PublishedName(RevisionOf(number), state, 3).Write());
            }
            Wait(store.CommitAsync(RevisionOf(done), rows, default));
        }
        Wait(store.DisposeAsync().AsTask());
    }

    private static void Wait(Task task) => task.GetAwaiter().GetResult();

    /// <summary>Three servers on the wire that have everything.</summary>
    private sealed class Crew : IDisposable
    {
        private readonly List<Registration> _servers = [];
        private readonly List<TcpListener> _doors = [];

        public Crew(int port, int names)
        {
            for (int number = 1; number <= Servers; number++)
            {
                _doors.Add(OpenDoor(Registration.ServerPort(number)));
                Registration server = new(port, number, isPublished: true);
                _servers.Add(server);
                TimeSpan time = server.AddFiles(names, lineBySend: false);
                Times.Add($"{number}", $"{time.TotalSeconds:N2}", $"{names / time.TotalSeconds:N0}");
                Machine.Say($"server {number} registered in {time.TotalSeconds:N1} s");
            }
        }

        public Table Times { get; } = new("Registration with digests, times and revisions", "server", "seconds",
            "files/s");

        public void Dispose()
        {
            _doors.ForEach(door => door.Dispose());
            _servers.ForEach(server => server.Dispose());
        }

        // An index that started looks whether who is remembered answers.
        private static TcpListener OpenDoor(int port)
        {
            TcpListener door = new(IPAddress.Loopback, port);
            door.Start();
            _ = Task.Run(async () =>
            {
                while (true)
                {
                    using Socket guest = await door.AcceptSocketAsync().ConfigureAwait(false);
                    await guest.SendAsync("WELCOME MICRO-CDN 1\n"u8.ToArray()).ConfigureAwait(false);
                }
            });
            return door;
        }
    }
}
