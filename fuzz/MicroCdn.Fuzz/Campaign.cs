using System.Diagnostics;
using System.Security.Cryptography;

namespace MicroCdn.Fuzz;

/// <summary>Feeds one target with inputs for some time, guided by what they reach.</summary>
internal sealed class Campaign(Target target, Coverage coverage, string corpusFolder, string findingsFolder)
{
    // A parser that takes longer for 40 kB can be used to hold a server up.
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    private readonly Corpus _corpus = new(corpusFolder, target);

    /// <summary>Runs; true when nothing was found.</summary>
    public bool Run(TimeSpan span, int seed, bool keeps)
    {
        Random chance = new(seed);
        List<byte[]> reached = [];
        foreach (byte[] input in _corpus.Inputs)
        {
            if (!Try(input, out bool isNew)) return false;
            if (isNew) reached.Add(input);
        }
        if (reached.Count == 0)
        {
            Console.WriteLine($"{target.Name}: nothing of it is instrumented");
            return false;
        }
        Mutations mutations = new(chance, target.Words);
        long runs = 0;
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < span; runs++)
        {
            // Later ones reached deeper: half the time one of the last is taken.
            int from = chance.Next(2) == 0 ? 0 : reached.Count / 2;
            byte[] parent = reached[chance.Next(from, reached.Count)];
            byte[] input = mutations.Next(parent, reached[chance.Next(reached.Count)]);
            if (!Try(input, out bool isNew)) return false;
            if (isNew) reached.Add(input);
        }
        if (keeps) _corpus.Keep(reached);
        Console.WriteLine(
            $"{target.Name}: {runs} inputs, {coverage.Count} branches, {reached.Count} inputs reached more");
        return true;
    }

    /// <summary>Tries one input; false, and the input written down, when it breaks the target.</summary>
    public bool Try(byte[] input, out bool isNew)
    {
        isNew = false;
        coverage.Begin();
        long began = Stopwatch.GetTimestamp();
        try
        {
            target.Run(input);
        }
        catch (Exception exception)
        {
            return Report(input, exception.ToString());
        }
        TimeSpan took = Stopwatch.GetElapsedTime(began);
        // Once more, by the processor's time: the machine may be busy with something else.
        if (took > Slow)
        {
            TimeSpan before = Environment.CpuUsage.TotalTime;
            target.Run(input);
            took = Environment.CpuUsage.TotalTime - before;
            if (took > Slow) return Report(input, $"took {took.TotalSeconds:0.0} s");
        }
        isNew = coverage.TakeNew();
        return true;
    }

    private bool Report(byte[] input, string what)
    {
        Directory.CreateDirectory(findingsFolder);
        string name = $"{target.Name}-{Convert.ToHexStringLower(SHA256.HashData(input))[..12]}";
        string path = Path.Combine(findingsFolder, name);
        File.WriteAllBytes(path, input);
        Console.WriteLine($"{target.Name}: BROKEN by an input of {input.Length} bytes: {what}");
        string shown = Path.GetRelativePath(Environment.CurrentDirectory, path);
        Console.WriteLine($"  again: fuzz/run --replay {target.Name} {shown}");
        return false;
    }
}
