using System.Diagnostics;

namespace MicroCdn.Bench;

/// <summary>Times the start of a content server with many files until it gives out one of them over HTTP.</summary>
internal static class Start
{
    private const int FolderSize = 1000;

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        int count = settings.Quick ? 2_000 : 100_000;
        string folder = workspace.MakeFolder("files"), state = workspace.MakeFolder("known");
        Machine.Say($"writing {count:N0} files");
        WriteFiles(folder, count);
        Table table = new($"Start of a content server with {count:N0} files of 1 KiB, to its first 200 over HTTP",
            "start", "seconds", "processor seconds until then", "digest known then", "in RAM once quiet, MiB");
        Trial first = Time(workspace, folder, state, settings.Patience(600));
        List<Trial> later = [];
        for (int round = 0; round < settings.Rounds; round++)
            later.Add(Time(workspace, folder, state, settings.Patience(60)));
        AddRow(table, "the first", [first]);
        AddRow(table, "later, with the same --data", later);
        table.Print("Medians (least-most). The files are in the page cache; the server has one core.");
    }

    private static void AddRow(Table table, string name, IReadOnlyList<Trial> runs) => table.Add(name,
        Spread.Of(runs.Select(run => run.Clock.TotalSeconds)).Show("N2"),
        Spread.Of(runs.Select(run => run.Processor.TotalSeconds)).Show("N2"),
        $"{runs.Count(run => run.KnowsDigest)} of {runs.Count}",
        Spread.Of(runs.Select(run => run.Memory / (double)(1 << 20))).Show("N0"));

    private static Trial Time(Workspace workspace, string folder, string state, TimeSpan patience)
    {
        long begin = Stopwatch.GetTimestamp();
        ContentServer server = ContentServer.Begin(workspace, $"{Machine.ServerCore}", folder, state);
        string[] head = [];
        TimeSpan pause = TimeSpan.FromMilliseconds(2);
        server.Process.WaitFor("microcdn content", () => Answers(server.HttpPort, out head), pause);
        TimeSpan clock = Stopwatch.GetElapsedTime(begin), processor = server.Process.ProcessorTime;
        Machine.Say($"the first answer came after {clock.TotalSeconds:N2} s");
        // What is not known yet is computed now, and remembered for the next start.
        server.Process.WaitUntilQuiet(patience);
        long memory = server.Process.Memory;
        workspace.Stop(server.Process);
        bool knows = head.Any(line => line.StartsWith("ETag:", StringComparison.OrdinalIgnoreCase));
        return new Trial(clock, processor, knows, memory);
    }

    private static bool Answers(int port, out string[] head)
    {
        head = [];
        try
        {
            using Conversation conversation = new(port);
            List<string> lines = [conversation.Ask($"GET /{NameOf(0)} HTTP/1.1\r\nHost: x\r\n\r")];
            while (lines[^1].Length > 0) lines.Add(conversation.ReadLine());
            head = [.. lines];
            return head[0].StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal);
        }
        catch (Exception failure) when (failure is System.Net.Sockets.SocketException or BenchException)
        {
            return false;
        }
    }

    private static void WriteFiles(string folder, int count)
    {
        byte[] bytes = new byte[1 << 10];
        for (int number = 0; number < count; number++)
        {
            string path = Path.Combine(folder, NameOf(number));
            if (number % FolderSize == 0) Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            BitConverter.TryWriteBytes(bytes, number);
            File.WriteAllBytes(path, bytes);
        }
    }

    private static string NameOf(int number) => $"folder-{number / FolderSize:D4}/file-{number:D6}.bin";

    private readonly record struct Trial(TimeSpan Clock, TimeSpan Processor, bool KnowsDigest, long Memory);
}
