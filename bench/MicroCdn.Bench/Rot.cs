using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace MicroCdn.Bench;

/// <summary>Flips a bit in each of many files of a content server, and times how soon it has found them all.</summary>
internal static class Rot
{
    private const int Length = 100_000;
    private static readonly DateTime Written = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        int count = settings.Quick ? 100 : 1_000;
        string folder = workspace.MakeFolder("files"), state = workspace.MakeFolder("state");
        for (int number = 0; number < 2 * count; number++) Write(Path.Combine(folder, $"{number:D5}"), number);
        ContentServer first = ContentServer.Begin(workspace, $"{Machine.ServerCore}", folder, state);
        first.Process.WaitFor("microcdn content", () => Knows(state, 2 * count));
        workspace.Stop(first.Process);

        // Every second file, at a place of its own; size, time and inode stay.
        for (int number = 0; number < 2 * count; number += 2) Flip(Path.Combine(folder, $"{number:D5}"), number);
        long began = Stopwatch.GetTimestamp();
        ContentServer again = ContentServer.Begin(workspace, $"{Machine.ServerCore}", folder, state, null,
            "--scrub-interval", "0.5", "--scrub-rate", "1000");
        Table table = new($"A bit flipped in {count:N0} of {2 * count:N0} files of {Length:N0} bytes",
            "found", "wrongly withdrawn", "seconds from the start of the server", "processor seconds until then");
        again.Process.WaitFor("the reading", () => Withdrawn(state).Count >= count);
        TimeSpan clock = Stopwatch.GetElapsedTime(began), processor = again.Process.ProcessorTime;
        // One more reading of everything: what is right stays.
        Machine.Wait(TimeSpan.FromSeconds(2));
        HashSet<int> withdrawn = Withdrawn(state);
        int right = withdrawn.Count(number => number % 2 == 0);
        table.Add($"{right:N0}", $"{withdrawn.Count - right:N0}",
            $"{clock.TotalSeconds:N2}", $"{processor.TotalSeconds:N2}");
        table.Print("At 1,000 MiB a second, on one core. The files are read past the page cache.");
        PrintHashing(settings);
    }

    // What a digest for each chunk costs beside the one for the file.
    private static void PrintHashing(Settings settings)
    {
        byte[] chunk = new byte[1 << 20];
        new Random(1).NextBytes(chunk);
        int chunks = settings.Quick ? 64 : 1024;
        Table table = new($"SHA-256 of {chunks} MiB", "hashed", "processor seconds");
        foreach (bool twice in (bool[])[false, true])
        {
            List<double> times = [];
            for (int round = 0; round < settings.Rounds; round++) times.Add(Hash(chunk, chunks, twice));
            table.Add(twice ? "for the file and for its chunks" : "for the file", Spread.Of(times).Show("N2"));
        }
        table.Print(
            "In this process, a mebibyte at a time, as a content server reads its files. Medians (least-most).");
    }

    private static double Hash(byte[] chunk, int chunks, bool twice)
    {
        using IncrementalHash whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        TimeSpan began = Libc.ProcessorTime(Environment.ProcessId);
        for (int number = 0; number < chunks; number++)
        {
            whole.AppendData(chunk);
            if (twice) SHA256.HashData(chunk, digest);
        }
        whole.GetHashAndReset(digest);
        return (Libc.ProcessorTime(Environment.ProcessId) - began).TotalSeconds;
    }

    private static void Write(string path, int number)
    {
        byte[] bytes = new byte[Length];
        new Random(number).NextBytes(bytes);
        File.WriteAllBytes(path, bytes);
        File.SetLastWriteTimeUtc(path, Written);
    }

    private static void Flip(string path, int number)
    {
        int place = number * 31 % Length;
        using (FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Position = place;
            int value = file.ReadByte();
            file.Position = place;
            file.WriteByte((byte)(value ^ (1 << (number % 8))));
        }
        File.SetLastWriteTimeUtc(path, Written);
    }

    private static bool Knows(string state, int count) => Lines(state, "digests").Count >= count;

    private static HashSet<int> Withdrawn(string state) => [.. Lines(state, "withdrawn")
        .Select(line => int.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture))];

    private static List<string> Lines(string state, string name)
    {
        string path = Path.Combine(state, name);
        return File.Exists(path) ? [.. File.ReadLines(path)] : [];
    }
}
