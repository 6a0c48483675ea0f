using System.Globalization;
using MicroCdn.Origin;

namespace MicroCdn.Tests.Origin;

/// <summary>Many ask at once, and the origin ends its connections whenever it likes.</summary>
public sealed class OriginCrowdTests
{
    private const int Askers = 16;
    private const int Each = 40;

    [Fact]
    public async Task Nobody_ever_gets_what_another_asked_for_or_half_an_answer()
    {
        await using ScriptedOrigin origin = new(WhimsicalAsync);
        using OriginServer server = origin.Server(options => options with { MostConnections = 5 });
        int[] whole = await Task.WhenAll(Enumerable.Range(0, Askers)
            .Select(asker => Task.Run(() => Ask(server, asker)))).WaitAsync(TimeSpan.FromMinutes(2));
        Assert.InRange(whole.Sum(), Askers * Each / 4, Askers * Each);
        Assert.InRange(server.Connections, 0, 5);
        long failures = OriginFailure.All.Sum(server.Counters.Failures);
        Assert.Equal(Askers * Each, whole.Sum() + failures);
        server.Dispose();
        Assert.Equal(0, server.Connections);
    }

    private static async Task<int> Ask(OriginServer server, int asker)
    {
        int whole = 0;
        for (int i = 0; i < Each; i++)
        {
            int number = (asker * Each) + i;
            OriginRequest request = ScriptedOrigin.Get($"/{number}", number % 7 == 0 ? "POST" : "GET");
            try
            {
                Assert.Equal($"200 {BodyOf(number)}", await server.AskAsync(request));
                whole++;
            }
            catch (OriginException exception)
            {
                // The fuse may blow here, too: half of the answers are cut.
                Assert.Contains(exception.Failure,
                    new[] { OriginFailure.Truncated, OriginFailure.Closed, OriginFailure.Open });
            }
        }
        return whole;
    }

    // What happens depends on what is asked for, and never on the moment.
    private static async Task WhimsicalAsync(OriginTalk talk)
    {
        while (true)
        {
            string path = (await talk.HearAsync()).Split(' ')[1];
            int number = int.Parse(path[1..], CultureInfo.InvariantCulture);
            string body = BodyOf(number);
            string head = $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n";
            string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + $"{body.Length:x}\r\n{body}\r\n0\r\n\r\n";
            await talk.SayAsync((number % 11) switch
            {
                0 => head + body[..(body.Length / 2)],
                1 => chunked[..^3],
                2 => head + body + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
                3 or 4 or 5 or 6 => chunked,
                _ => head + body,
            });
            if (number % 11 is 0 or 1 or 7) return;
        }
    }

    // Where more follows, all fits one segment: what comes later than the next request cannot be told from its answer.
    private static string BodyOf(int number) =>
        string.Concat(Enumerable.Repeat($"<{number}>", 1 + (number % 11 == 2 ? 9 : number * 37 % 9_000)));
}
