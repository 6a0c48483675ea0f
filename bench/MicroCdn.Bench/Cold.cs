using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace MicroCdn.Bench;

/// <summary>What a cache adds where it has no copy: for a crowd on one cold object, for what nobody may keep, and for
/// one miss after another.</summary>
internal static class Cold
{
    /// <summary>What the command's help says.</summary>
    public const string Help = "What a cache adds where it has no copy, ours beside nginx proxy_cache and varnish: 100 "
        + "clients on one cold object that drips from 0.8 s to 1.6 s (bars: the origin asked once, the first byte at "
        + "most 30 ms after the origin's own); 100 at once for what may not be kept and takes 300 ms, two rounds on "
        + "one URL (bar: no queueing; in round 1 all wait for one head, so that the least is 600 ms, in round 2 "
        + "300 ms); and the median of misses on 1 KiB, one after another, over asking the origin directly (bar: at "
        + "most 1 ms)";

    private const int Clients = 100;

    public static void Run(Settings settings)
    {
        using Workspace workspace = new(settings);
        using WebOrigin origin = new();
        Caches[] all = [Caches.Ours(workspace, origin), Caches.Nginx(workspace, origin, holds: true),
            Caches.Varnish(workspace, origin)];
        all[0].Process.WaitUntilQuiet(settings.Patience(60));
        Place[] places = [new("the origin itself", origin.Port), .. all.Select(one => new Place(one.Name, one.Port))];
        // What a cache that runs for days has compiled long ago is compiled here.
        foreach (Place place in places) Misses(place, settings.Quick ? 20 : 2000, "warm");
        Drip(settings, origin, places);
        Queue(settings, places);
        Add(settings, places);
    }

    private static void Drip(Settings settings, WebOrigin origin, Place[] places)
    {
        Table table = new($"{Clients} clients at once on one cold object, first byte of its origin after 0.8 s, last "
            + "after 1.6 s", "who", "origin requests", "first byte, p50, ms", "first byte, latest, ms",
            "later than the origin's own, ms", "last byte, latest, ms");
        List<Crowd.Member>[] came = [.. places.Select(_ => new List<Crowd.Member>())];
        double[] asked = new double[places.Length];
        for (int round = 0; round < settings.Rounds; round++)
        {
            for (int turn = 0; turn < places.Length; turn++)
            {
                int at = (round + turn) % places.Length;
                string target = $"/drip/{at}-{round}";
                byte[] right = Body.BlockOf(target, WebOrigin.DripBytes);
                Crowd.Member[] members = Crowd.Ask(places[at].Port, at == 0 ? 1 : Clients, target, right);
                came[at].AddRange(members);
                asked[at] = Math.Max(asked[at], origin.CountOf(target));
                Machine.Say($"{places[at].Name}: latest first byte {members.Max(one => one.First):N0} ms");
            }
        }
        double own = Spread.Of(came[0].Select(one => one.First)).Median;
        for (int at = 0; at < places.Length; at++)
        {
            double latest = came[at].Max(one => one.First);
            table.Add(places[at].Name, Show(asked[at], 0), Show(Spread.Of(came[at].Select(one => one.First)).Median, 1),
                Show(latest, 1), Show(latest - own, 1), Show(came[at].Max(one => one.Last), 0));
        }
        table.Print($"The most of {settings.Rounds} rounds, each on an object of its own. The origin itself is asked "
            + "by one client: its own first byte is the median.");
    }

    private static void Queue(Settings settings, Place[] places)
    {
        Table table = new($"{Clients} requests at once for what may not be kept; its origin takes 300 ms",
            "who", "round 1, longest, ms", "round 2, longest, ms");
        double[,] longest = new double[places.Length, 2];
        for (int time = 0; time < settings.Rounds; time++)
        {
            for (int turn = 0; turn < places.Length; turn++)
            {
                int at = (time + turn) % places.Length;
                string target = $"/private/{at}-{time}";
                byte[] right = Body.BlockOf(target, 1024);
                for (int round = 0; round < 2; round++)
                {
                    double most = Crowd.Ask(places[at].Port, Clients, target, right).Max(one => one.Last);
                    longest[at, round] = Math.Max(longest[at, round], most);
                    Machine.Say($"{places[at].Name}: round {round + 1}: longest {most:N0} ms");
                }
            }
        }
        for (int at = 0; at < places.Length; at++)
        {
            table.Add(places[at].Name, Show(longest[at, 0], 0), Show(longest[at, 1], 0));
        }
        table.Print($"The most of {settings.Rounds} URLs. In round 2 the cache has seen that nobody else "
            + "may have it.");
    }

    private static void Add(Settings settings, Place[] places)
    {
        int count = settings.Quick ? 50 : 2000;
        Table table = new($"Misses on 1 KiB, one after another over one connection, {count} a round",
            "who", "p50, ms", "p99, ms", "p50 over the origin's own, ms");
        List<double>[] times = [.. places.Select(_ => new List<double>())];
        for (int round = 0; round < settings.Rounds; round++)
        {
            for (int turn = 0; turn < places.Length; turn++)
            {
                int at = (round + turn) % places.Length;
                times[at].AddRange(Misses(places[at], count, $"{at}-{round}"));
            }
        }
        double own = At(times[0], 0.5);
        for (int at = 0; at < places.Length; at++)
        {
            double half = At(times[at], 0.5);
            table.Add(places[at].Name, Show(half, 3), Show(At(times[at], 0.99), 3), Show(half - own, 3));
        }
        table.Print("Client and origin share the load's core; the cache has its own.");
    }

    private static double At(List<double> times, double share)
    {
        double[] sorted = [.. times.Order()];
        return sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
    }

    // Each on a URL that nobody has asked for yet.
    private static List<double> Misses(Place place, int count, string name)
    {
        List<double> times = [];
        using Conversation conversation = new(place.Port);
        byte[] body = new byte[1024];
        for (int number = 0; number < count; number++)
        {
            byte[] request = Encoding.ASCII.GetBytes(
                $"GET /keep/1024/{name}-{place.Port}-{number} HTTP/1.1\r\nHost: x\r\n\r\n");
            long began = Stopwatch.GetTimestamp();
            conversation.Send(request);
            string line = conversation.ReadLine();
            if (line != "HTTP/1.1 200 OK") throw new BenchException($"{place.Name} answered a miss with `{line}`.");
            while (conversation.ReadLine().Length > 0) continue;
            conversation.ReadBytes(body);
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
        return times;
    }

    private static string Show(double figure, int digits) =>
        figure.ToString($"N{digits}", CultureInfo.InvariantCulture);

    private readonly record struct Place(string Name, int Port);
}
