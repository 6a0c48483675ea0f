using System.Globalization;
using Microsoft.Playwright;

namespace MicroCdn.Bench;

/// <summary>How soon the page of an index paints, finds and shows what happens, in a real Chromium.</summary>
/// <remarks>Times end when the browser has painted: a frame was asked for, and what follows it ran. Searches are typed
/// by keys, and count from the last one, with what the page waits for another.</remarks>
internal sealed class PageTimes : IAsyncDisposable
{
    private const string Chromium = "/usr/bin/chromium";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // Told to each document before its own scripts: when what is wanted was painted, by the clock of this machine.
    private const string Watch = """
        window.painted = want => new Promise(done => {
          const look = () => {
            if (!want()) return;
            seen.disconnect();
            requestAnimationFrame(() => setTimeout(() => done(performance.timeOrigin + performance.now())));
          };
          const seen = new MutationObserver(look);
          seen.observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
          look();
        });
        window.first = window.painted(() => document.querySelector(".tile-value"))
          .then(at => at - performance.timeOrigin);
        addEventListener("input", event => { window.typed = performance.timeOrigin + event.timeStamp; }, true);
        """;

    private static readonly string[] Views =
    [
        "", "servers", "servers/B1", "files", "cache", "releases", "downloads", "events", "policies", "tokens",
        "settings", "api",
    ];

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;
    private readonly string _url;
    private string? _session;

    private PageTimes(IPlaywright playwright, IBrowser browser, string url) =>
        (_playwright, _browser, _url) = (playwright, browser, url);

    /// <summary>Starts a browser on every core; null where there is none.</summary>
    public static async Task<PageTimes?> StartAsync(Workspace workspace, string url)
    {
        if (!File.Exists(Chromium))
        {
            Machine.Say($"there is no {Chromium}: the page is not measured");
            return null;
        }
        // This program stands on one core, and what it starts would too.
        string free = Path.Combine(workspace.MakeFolder("browser"), "chromium");
        await File.WriteAllTextAsync(free, $"#!/bin/sh\nexec taskset -c {Machine.AllCores} {Chromium} \"$@\"\n")
            .ConfigureAwait(false);
        File.SetUnixFileMode(free, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        IPlaywright playwright = await Playwright.CreateAsync().ConfigureAwait(false);
        IBrowser browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = free,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--no-first-run", "--disable-dev-shm-usage", "--enable-precise-memory-info",
            ],
            Timeout = 120_000,
        }).ConfigureAwait(false);
        return new PageTimes(playwright, browser, url);
    }

    /// <summary>Measures all of it.</summary>
    public async Task MeasureAsync(Settings settings, string token, IReadOnlyList<Registration> servers)
    {
        IPage page = await OpenAsync().ConfigureAwait(false);
        await page.FillAsync("#token", token).ConfigureAwait(false);
        await page.PressAsync("#token", "Enter").ConfigureAwait(false);
        await page.WaitForSelectorAsync(".frame.is-live").ConfigureAwait(false);
        _session = await page.Context.StorageStateAsync().ConfigureAwait(false);
        Machine.Say("the page: first paints, searches, events, and a look at every view");
        List<double> paints = await PaintsAsync(settings.Quick ? 3 : 20).ConfigureAwait(false);
        List<double> searches =
            await SearchesAsync(page, settings.Quick ? 3 : 100, settings.Files).ConfigureAwait(false);
        List<double> events =
            await EventsAsync(page, settings.Quick ? 4 : 200, servers).ConfigureAwait(false);
        double heap = await HeapAsync(page).ConfigureAwait(false);
        await page.Context.DisposeAsync().ConfigureAwait(false);

        Table table = new("The page in Chromium, of the same index", "what", "times", "p50, ms", "p99, ms",
            "longest, ms", "bar, ms");
        Add(table, "first useful paint, nothing cached", paints, "500");
        Add(table, "from the last key of a search to its one row", searches, "100");
        Add(table, "from what a server says to its line on the overview", events, "500");
        table.Print(string.Create(CultureInfo.InvariantCulture, $"Script heap after every view: {heap / 1e6:N1} MB "
            + $"(bar: 50 MB). Load average {PublishFleet.Load()}."));
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync().ConfigureAwait(false);
        _playwright.Dispose();
    }

    // As somebody who has a session and nothing of the page.
    private async Task<IPage> OpenAsync()
    {
        IBrowserContext context = await _browser.NewContextAsync(new()
        {
            StorageState = _session, ViewportSize = new() { Width = 1440, Height = 900 },
        }).ConfigureAwait(false);
        await context.AddInitScriptAsync(Watch).ConfigureAwait(false);
        IPage page = await context.NewPageAsync().ConfigureAwait(false);
        await page.GotoAsync(_url).ConfigureAwait(false);
        return page;
    }

    private async Task<List<double>> PaintsAsync(int times)
    {
        List<double> took = [];
        for (int time = 0; time < times; time++)
        {
            IPage page = await OpenAsync().ConfigureAwait(false);
            took.Add(await UntilAsync(page, "first").ConfigureAwait(false));
            await page.Context.DisposeAsync().ConfigureAwait(false);
        }
        return took;
    }

    private async Task<List<double>> SearchesAsync(IPage page, int times, int files)
    {
        await page.GotoAsync($"{_url}#/files").ConfigureAwait(false);
        ILocator field = page.Locator("main input[type=search]");
        List<double> took = [];
        for (int time = 0; time < times; time++)
        {
            string wanted = string.Create(CultureInfo.InvariantCulture, $"pkg-{(time + 1L) * 7_919 % files:D7}");
            await field.FillAsync("").ConfigureAwait(false);
            await page.WaitForFunctionAsync("() => document.querySelectorAll('main tbody tr').length === 50")
                .ConfigureAwait(false);
            await page.EvaluateAsync("""
                name => {
                  window.found = painted(() => !document.querySelector("main .is-old")
                    && document.querySelectorAll("main tbody tr").length === 1
                    && document.querySelector("main tbody tr").textContent.includes(name))
                    .then(at => at - window.typed);
                }
                """, wanted).ConfigureAwait(false);
            await field.FocusAsync().ConfigureAwait(false);
            await page.Keyboard.TypeAsync(wanted).ConfigureAwait(false);
            took.Add(await UntilAsync(page, "found").ConfigureAwait(false));
        }
        return took;
    }

    private async Task<List<double>> EventsAsync(IPage page, int times, IReadOnlyList<Registration> servers)
    {
        await page.GotoAsync($"{_url}#/").ConfigureAwait(false);
        await page.WaitForSelectorAsync(".happened li").ConfigureAwait(false);
        List<double> took = [];
        for (int time = 0; time < times; time++)
        {
            Registration server = servers[time / 2];
            bool isLeaving = time % 2 == 0;
            // The newest line about it; nobody monitors these servers, so it says that it drains, or not.
            await page.EvaluateAsync("""
                ([id, isLeaving]) => {
                  window.shown = painted(() => [...document.querySelectorAll(".happened li")]
                    .map(line => line.textContent).find(line => line.includes(`${id} is `))
                    ?.includes("is draining") === isLeaving);
                }
                """, new object[] { server.Id, isLeaving }).ConfigureAwait(false);
            double began = Now;
            server.Demand(isLeaving ? "DRAIN" : "RESUME");
            took.Add(await UntilAsync(page, "shown").ConfigureAwait(false) - began);
        }
        return took;
    }

    private async Task<double> HeapAsync(IPage page)
    {
        foreach (string view in Views)
        {
            await page.GotoAsync($"{_url}#/{view}").ConfigureAwait(false);
            await page.WaitForFunctionAsync("() => !document.querySelector('.waiting')").ConfigureAwait(false);
        }
        ICDPSession tools = await page.Context.NewCDPSessionAsync(page).ConfigureAwait(false);
        await tools.SendAsync("HeapProfiler.collectGarbage").ConfigureAwait(false);
        return await page.EvaluateAsync<double>("() => performance.memory.usedJSHeapSize").ConfigureAwait(false);
    }

    // What a promise of the page brings.
    private static async Task<double> UntilAsync(IPage page, string promise)
    {
        try
        {
            return await page.EvaluateAsync<double>($"() => window.{promise}")
                .WaitAsync(Patience, TimeProvider.System).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            string text = await page.Locator("body").InnerTextAsync().ConfigureAwait(false);
            throw new BenchException($"The page painted nothing that counts as '{promise}' for {Patience}:\n{text}");
        }
    }

    // Milliseconds since 1970, as the browser counts them.
    private static double Now => (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalMilliseconds;

    private static void Add(Table table, string what, List<double> took, string bar)
    {
        string[] at = PublishFleet.At(took, 50, 99, 100);
        table.Add(what, $"{took.Count}", at[0], at[1], at[2], bar);
    }
}
