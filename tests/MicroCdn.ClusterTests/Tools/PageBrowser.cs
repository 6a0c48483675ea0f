using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A headless Chromium for the page of an index; it notes whatever a browser finds wrong with that.</summary>
internal sealed class PageBrowser : IAsyncDisposable
{
    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private PageBrowser(IPlaywright playwright, IBrowser browser) => (_playwright, _browser) = (playwright, browser);

    /// <summary>Where pictures of the page are left, for people.</summary>
    public static string Pictures => Path.Combine(SourceTree.Root, "artifacts", "screenshots");

    public static async Task<PageBrowser> StartAsync()
    {
        IPlaywright playwright = await Playwright.CreateAsync();
        IBrowser browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = "/usr/bin/chromium",
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--no-first-run", "--disable-dev-shm-usage", "--enable-precise-memory-info",
            ],
            Timeout = 120_000,
        });
        return new PageBrowser(playwright, browser);
    }

    /// <summary>Opens the page at an address, as one who was never there.</summary>
    public async Task<OpenPage> OpenAsync(string url, int width = 1440, int height = 900, bool isDark = false)
    {
        IBrowserContext context = await _browser.NewContextAsync(new()
        {
            ViewportSize = new() { Width = width, Height = height },
            ColorScheme = isDark ? ColorScheme.Dark : ColorScheme.Light,
            ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(30_000);
        OpenPage page = new(context, await context.NewPageAsync(), url);
        await page.Page.GotoAsync(url);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}

/// <summary>The page in a browser.</summary>
internal sealed class OpenPage : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly string _url;
    private readonly ConcurrentQueue<string> _faults = [];

    public OpenPage(IBrowserContext context, IPage page, string url)
    {
        (_context, Page, _url) = (context, page, url);
        page.Console += (_, said) =>
        {
            if (said.Type is "error" or "warning") _faults.Enqueue($"{said.Text} ({said.Location})");
        };
        page.PageError += (_, error) => _faults.Enqueue(error);
        page.Dialog += async (_, dialog) =>
        {
            _faults.Enqueue($"a window opened: {dialog.Message}");
            await dialog.DismissAsync();
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(url, StringComparison.Ordinal)) _faults.Enqueue($"asks {request.Url}");
        };
    }

    public IPage Page { get; }

    /// <summary>Errors and warnings of the browser, broken policies, windows, and requests to others.</summary>
    public IReadOnlyCollection<string> Faults => _faults;

    public async Task SignInAsync(string token)
    {
        await Page.FillAsync("#token", token);
        await Page.PressAsync("#token", "Enter");
        await Page.WaitForSelectorAsync(".frame.is-live");
    }

    /// <summary>Opens a view by its place behind the number sign.</summary>
    public Task GoAsync(string place) => Page.GotoAsync($"{_url}#/{place}");

    /// <summary>Waits until a text is seen in the page's content.</summary>
    public Task UntilSeenAsync(string text) =>
        Page.Locator("main").GetByText(text).Filter(new() { Visible = true }).First.WaitForAsync();

    /// <summary>What axe finds of the rules of WCAG 2.1 (A and AA) and of its own, by rule and place.</summary>
    public async Task<string[]> BarriersAsync()
    {
        string axe = Path.Combine(SourceTree.Root, "artifacts/page/node_modules/axe-core/axe.min.js");
        Assert.SkipUnless(File.Exists(axe), "axe is not there: ./run-tests fetches it");
        await Page.EvaluateAsync(await File.ReadAllTextAsync(axe));
        return await Page.EvaluateAsync<string[]>("""
            async () => (await axe.run(document,
                { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }))
              .violations.flatMap(found => found.nodes.map(node => `${found.id}: ${node.html.slice(0, 200)}`))
            """);
    }

    /// <summary>Leaves a picture for people.</summary>
    public Task PictureAsync(string name) =>
        Page.ScreenshotAsync(new() { Path = Path.Combine(PageBrowser.Pictures, $"{name}.png") });

    /// <summary>How many pixels are to be found by scrolling sideways.</summary>
    public Task<int> SidewaysAsync() => Page.EvaluateAsync<int>(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth");

    public ValueTask DisposeAsync() => _context.DisposeAsync();
}
