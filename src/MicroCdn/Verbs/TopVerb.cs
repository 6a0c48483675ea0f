using System.CommandLine;
using MicroCdn.Api;
using MicroCdn.Client;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Top;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn top</c>: what the fleet does now, a row for each server.</summary>
internal static class TopVerb
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    // A key is answered within it.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    private const string Keys = "q ends   sort: r requests  b bytes  h hits  l load  s server";

    public static Command Create()
    {
        Option<bool> once = new("--once") { Description = "Show it once, as in a pipe." };
        Option<TopOrder> sort = new("--sort")
        {
            Description = "What to sort by: server, requests, bytes, hits or load; on a terminal the keys s, r, b, h "
                + "and l.",
            HelpName = "WORD",
            DefaultValueFactory = _ => TopOrder.Server,
            CustomParser = result => Flags.Read<TopOrder>(
                result, "--sort", "server, requests, bytes, hits or load", TryOrder),
        };
        Option<bool> json = Flags.Json();
        ApiFlags api = new();
        Command verb = new("top", "Show what the fleet does now, a row for each server.") { once, sort, json };
        api.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            using ApiClient client = api.Open(parsed);
            TopView view = await AskAsync(client, token);
            TopOrder order = parsed.GetValue(sort);
            if (parsed.GetValue(json)) return Messages.PrintJson(new TopFacts(view.Now, view.Servers),
                ApiShapes.Printed.TopFacts);
            if (!parsed.GetValue(once) && !Console.IsOutputRedirected && !TerminalWishes.IsDumb)
            {
                return await LiveAsync(client, view, order, token);
            }
            return Messages.Print(() =>
            {
                using PlainLines output = new();
                foreach (TopLine line in view.Lines(order)) output.WriteLine(line.Text);
            });
        }));
        return verb;
    }

    private static async Task<TopView> AskAsync(ApiClient client, CancellationToken token)
    {
        Task<Overview> now = client.GetAsync("/overview", ApiShapes.Default.Overview, token);
        Task<List<ServerView>> servers = client.ListAsync("/servers", ApiShapes.Default.ListingServerView, token);
        await Task.WhenAll(now, servers);
        return new TopView(now.Result, servers.Result);
    }

    private static async Task<int> LiveAsync(ApiClient client, TopView view, TopOrder order, CancellationToken token)
    {
        using Screen screen = new(Console.OpenStandardOutput(), TerminalWishes.IsColored);
        long asked = TimeProvider.System.GetTimestamp(), told = asked;
        Task<TopView>? asking = null;
        string? trouble = null;
        bool isNew = true;
        (int Width, int Height) size = default;
        while (true)
        {
            if (asking is { IsCompleted: true })
            {
                (view, trouble) = Take(asking, view, ref told);
                (asking, isNew) = (null, true);
            }
            if (asking is null && TimeProvider.System.GetElapsedTime(asked) >= Pace)
            {
                asked = TimeProvider.System.GetTimestamp();
                asking = AskAsync(client, token);
            }
            if (Key() is { } key)
            {
                if (key == 'q') return ExitCode.Done;
                (order, isNew) = (OrderOf(key) ?? order, true);
            }
            if (size != SizeNow() || trouble is not null) (size, isNew) = (SizeNow(), true);
            if (isNew) screen.Draw(Lines(view, order, trouble, told), Keys, size.Width, size.Height);
            isNew = false;
            // The hang-up may have come to somebody else.
            if (screen.IsGone) return ExitCode.Failed;
            await Task.Delay(Look, TimeProvider.System, token);
        }
    }

    // Figures that are old do not look as if they were of now.
    private static IEnumerable<TopLine> Lines(TopView view, TopOrder order, string? trouble, long told)
    {
        if (trouble is null) return view.Lines(order);
        double age = Math.Floor(TimeProvider.System.GetElapsedTime(told).TotalSeconds);
        return view.Lines(order).Select(line => line with { Style = TopStyle.Plain }).Prepend(
            new TopLine($"NOT OF NOW, but {age} s old: {trouble}", TopStyle.Bad));
    }

    private static (TopView View, string? Trouble) Take(Task<TopView> asking, TopView before, ref long told)
    {
        try
        {
            TopView view = asking.GetAwaiter().GetResult();
            told = TimeProvider.System.GetTimestamp();
            return (view, null);
        }
        catch (CdnException exception) when (exception.Failure == CdnFailure.Unreachable)
        {
            return (before, exception.Message);
        }
    }

    private static char? Key()
    {
        if (Console.IsInputRedirected || !Console.KeyAvailable) return null;
        return char.ToLowerInvariant(Console.ReadKey(intercept: true).KeyChar);
    }

    private static TopOrder? OrderOf(char key) => key switch
    {
        'r' => TopOrder.Requests,
        'b' => TopOrder.Bytes,
        'h' => TopOrder.Hits,
        'l' => TopOrder.Load,
        's' => TopOrder.Server,
        _ => null,
    };

    // A terminal need not know how large it is.
    private static (int Width, int Height) SizeNow()
    {
        try
        {
            return (Console.WindowWidth is > 0 and var width ? width : 80,
                Console.WindowHeight is > 0 and var height ? height : 24);
        }
        catch (IOException)
        {
            return (80, 24);
        }
    }

    private static bool TryOrder(string text, out TopOrder order) =>
        Enum.TryParse(text, ignoreCase: true, out order) && !char.IsAsciiDigit(text[0]);
}
