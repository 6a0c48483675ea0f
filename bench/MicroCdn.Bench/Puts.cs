using System.Diagnostics;
using System.Security.Cryptography;
using MicroCdn.Client;

namespace MicroCdn.Bench;

/// <summary>Publishes small files, one or from many clients at once, and looks whether they can be had.</summary>
internal static class Puts
{
    /// <summary>How many publish at once.</summary>
    public const int Clients = 16;

    /// <summary>How large each file is.</summary>
    public const int FileBytes = 4096;

    /// <summary>On how many servers each file is.</summary>
    public const int Copies = 2;

    /// <summary>Publishes one file; done when it is acknowledged.</summary>
    public static async Task<Publication> PutAsync(
        Publisher publisher, string name, byte[] bytes, CancellationToken cancellationToken = default)
    {
        using MemoryStream stream = new(bytes);
        Publication done = await publisher.PutAsync(PublishFleet.NameOf(name), stream,
            new PutOptions { Replicas = Copies }, null, cancellationToken).ConfigureAwait(false);
        return done.Servers.Count == Copies ? done
            : throw new BenchException($"'{name}' has {done.Servers.Count} copies.");
    }

    /// <summary>Publishes with all clients at once; how long each put took, in milliseconds.</summary>
    public static (List<double> Times, int Failed) PutFor(
        Func<Publisher> newPublisher, TimeSpan time, string what, CancellationToken cancellationToken = default)
    {
        List<double> all = [];
        int failed = 0;
        long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        Task.WaitAll([.. Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
        {
            Publisher publisher = newPublisher();
            List<double> times = [];
            for (int number = 0; Goes(); number++)
            {
                long began = Stopwatch.GetTimestamp();
                try
                {
                    await PutAsync(publisher, $"{what}/{client}/{number}", RandomNumberGenerator.GetBytes(FileBytes),
                        CancellationToken.None).ConfigureAwait(false);
                    times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                }
                catch (CdnException exception)
                {
                    if (Interlocked.Increment(ref failed) == 1) Machine.Say(exception.Message);
                }
            }
            lock (all) all.AddRange(times);
        }, CancellationToken.None))], CancellationToken.None);
        return all.Count > 0 ? (all, failed) : throw new BenchException("Nothing was published.");

        bool Goes() => Stopwatch.GetTimestamp() < end && !cancellationToken.IsCancellationRequested;
    }

    /// <summary>How many servers an index names for a file.</summary>
    public static int CountServers(Conversation index, string name) => Locate(index, name).Servers;

    /// <summary>What an index says of a file: its line, and how many servers; no line when it knows of none.</summary>
    public static (string File, int Servers) Locate(Conversation index, string name)
    {
        (string file, int servers) = ("", 0);
        for (string line = index.Ask($"LOCATE {name}"); line != "END"; line = index.ReadLine())
        {
            if (line.StartsWith("ERROR", StringComparison.Ordinal)) return ("", 0);
            if (line.StartsWith("FILE ", StringComparison.Ordinal)) file = line;
            if (line.StartsWith("SERVER ", StringComparison.Ordinal)) servers++;
        }
        return (file, servers);
    }

    /// <summary>A conversation with an index, in version 2.</summary>
    public static Conversation Greet(int port)
    {
        Conversation index = new(port);
        index.Demand("HELLO 2", "WELCOME MICRO-CDN 2");
        return index;
    }

    /// <summary>Looks again and again until it is so; how long after the beginning that was, in milliseconds.</summary>
    public static double Until(long began, Func<bool> isTrue)
    {
        while (!isTrue())
        {
            if (Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(30))
                throw new BenchException("What was published cannot be had.");
            Libc.Pause(1);
        }
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }
}
