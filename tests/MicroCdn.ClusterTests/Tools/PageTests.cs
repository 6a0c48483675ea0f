using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>The page of a real index in a real browser.</summary>
[Trait("Needs", "chromium")]
public sealed class PageTests(PageFleet fleet) : IClassFixture<PageFleet>
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    // Each view, and what of this fleet must be seen there.
    private static readonly (string Place, string Picture, string[] Seen)[] Views =
    [
        ("", "overview", ["Nothing is wrong.", "Requests a second, the last hour", "CS1", "all that are wanted"]),
        ("servers", "servers", ["2 content servers", "CS2", "zone-2", "alive"]),
        ("servers/CS1", "server", ["Where it is", "zone-1", "may be sent there", "/pulled/"]),
        ("files", "files", [PageFleet.Hostile, "docs/handbook.pdf", "2 of 2"]),
        ($"files/{Uri.EscapeDataString(PageFleet.Hostile)}", "file", [PageFleet.Hostile, "gets the client", "68.4 KiB"]),
        ("cache", "cache", ["Origins", "/pulled/", "The last purges"]),
        ("releases", "releases", ["v1", "1 file", "Activate"]),
        ("downloads", "downloads", ["The last seven days", "Day (UTC)"]),
        ("events", "events", ["CS1 is alive"]),
        ("policies", "policies", ["Set a policy"]),
        ("tokens", "tokens", ["made at the first start", "yours", "POST /session"]),
        ("settings", "settings", ["--admin-port", "command line", "default"]),
        ("api", "api", ["/servers/{id}/drain", "openapi.json"]),
    ];

    [Theory]
    [InlineData("light", 1440, false)]
    [InlineData("dark", 1440, true)]
    [InlineData("phone", 360, false)]
    public async Task Each_view_shows_its_data_and_a_browser_finds_nothing_wrong(string name, int width, bool isDark)
    {
        await using OpenPage page = await fleet.SignedInAsync(width, isDark: isDark);
        foreach ((string place, string picture, string[] seen) in Views)
        {
            await page.GoAsync(place);
            foreach (string text in seen) await page.UntilSeenAsync(text);
            Assert.Equal(0, await page.SidewaysAsync());
            await page.PictureAsync($"{picture}-{name}");
        }
        Assert.Empty(page.Faults);
        string paper = await page.Page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");
        Assert.Equal(isDark, paper.Split('(', ',')[1] is { Length: < 3 });
    }

    [Theory]
    [InlineData(1440, false)]
    [InlineData(1440, true)]
    [InlineData(360, false)]
    public async Task No_view_has_a_barrier_for_those_who_do_not_see_it(int width, bool isDark)
    {
        await using OpenPage page = await fleet.SignedInAsync(width, isDark: isDark);
        foreach ((string place, _, string[] seen) in Views)
        {
            await page.GoAsync(place);
            foreach (string text in seen) await page.UntilSeenAsync(text);
            string[] barriers = await page.BarriersAsync();
            Assert.True(barriers.Length == 0, $"#/{place}: {string.Join("; ", barriers)}");
        }
    }

    [Fact]
    public async Task A_name_that_looks_like_markup_stays_text_wherever_it_is_shown()
    {
        await using OpenPage page = await fleet.SignedInAsync();
        foreach (string place in (string[])["files", $"files/{Uri.EscapeDataString(PageFleet.Hostile)}"])
        {
            await page.GoAsync(place);
            await page.UntilSeenAsync(PageFleet.Hostile);
            Assert.Equal(0, await page.Page.Locator("main img").CountAsync());
        }
        await page.Page.EvaluateAsync("() => 0");
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task A_wrong_token_is_told_and_opens_nothing()
    {
        await using OpenPage page = await fleet.Browser.OpenAsync(fleet.Url);
        await page.Page.FillAsync("#token", "microcdn_000000000000_" + new string('A', 43));
        await page.Page.PressAsync("#token", "Enter");
        await page.Page.Locator("#problem").GetByText("none of ours").WaitForAsync();
        Assert.Equal(0, await page.Page.Locator(".frame").CountAsync());
        await page.PictureAsync("sign-in-light");
        await page.SignInAsync(fleet.Token);
        // A new visit needs no token any more, until somebody signs out.
        await page.Page.ReloadAsync();
        await page.Page.WaitForSelectorAsync(".frame.is-live");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await page.Page.WaitForSelectorAsync("#token");
        await page.Page.ReloadAsync();
        await page.Page.WaitForSelectorAsync("#token");
    }

    [Fact]
    public async Task What_is_done_is_shown_as_commands_first_and_done_only_when_it_is_confirmed()
    {
        await using OpenPage page = await fleet.SignedInAsync();
        await page.GoAsync("servers/CS2");
        ILocator drain = page.Page.GetByRole(AriaRole.Button, new() { Name = "Drain", Exact = true });
        await drain.ClickAsync();
        ILocator dialog = page.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByText("microcdn drain CS2").WaitForAsync();
        await dialog.GetByText($"""curl -X POST -H "Authorization: Bearer $(cat admin.token)" '{fleet.Url}api/v1/servers/CS2/drain'""")
            .WaitForAsync();
        await page.PictureAsync("asking-light");
        await page.Page.Keyboard.PressAsync("Escape");
        await dialog.WaitForAsync(new() { State = WaitForSelectorState.Detached });
        await Assertions.Expect(drain).ToBeFocusedAsync();
        Assert.Contains("\"state\":\"alive\"", await ServerAsync(page, "CS2"), Ordinal);

        await drain.PressAsync("Enter");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Drain", Exact = true }).ClickAsync();
        await page.UntilSeenAsync("draining");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Resume", Exact = true }).ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Resume", Exact = true }).ClickAsync();
        await page.Page.Locator(".title").GetByText("alive").WaitForAsync();

        // What cannot be taken back easily asks for a second look.
        await page.GoAsync("cache");
        await page.Page.GetByLabel("all", new() { Exact = true }).CheckAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Purge…" }).ClickAsync();
        ILocator purge = dialog.GetByRole(AriaRole.Button, new() { Name = "Purge", Exact = true });
        await Assertions.Expect(purge).ToBeDisabledAsync();
        await dialog.GetByRole(AriaRole.Checkbox).CheckAsync();
        await purge.ClickAsync();
        await page.UntilSeenAsync("2 of 2 servers purged");
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task A_keyboard_is_enough()
    {
        await using OpenPage page = await fleet.SignedInAsync();
        await page.Page.Keyboard.PressAsync("g");
        await page.Page.Keyboard.PressAsync("f");
        await Assertions.Expect(page.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Files");
        await Assertions.Expect(page.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToBeFocusedAsync();
        await page.Page.Keyboard.PressAsync("/");
        await page.Page.Keyboard.TypeAsync("handbook");
        await page.Page.GetByText("it's").WaitForAsync(new() { State = WaitForSelectorState.Detached });
        await page.UntilSeenAsync("docs/handbook.pdf");
        ILocator file = page.Page.GetByRole(AriaRole.Link, new() { Name = "docs/handbook.pdf" });
        for (int tabs = 0; tabs < 5 && !await file.EvaluateAsync<bool>("it => it === document.activeElement"); tabs++)
        {
            await page.Page.Keyboard.PressAsync("Tab");
        }
        Assert.NotEqual("none", await file.EvaluateAsync<string>("it => getComputedStyle(it).outlineStyle"));
        await page.Page.Keyboard.PressAsync("Enter");
        await page.UntilSeenAsync("Who might get the client");
        await page.Page.Keyboard.PressAsync("?");
        await page.Page.GetByRole(AriaRole.Dialog).WaitForAsync();
        await page.Page.Keyboard.PressAsync("Escape");
        await page.Page.GetByRole(AriaRole.Dialog).WaitForAsync(new() { State = WaitForSelectorState.Detached });
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task The_choice_of_colours_is_remembered()
    {
        await using OpenPage page = await fleet.SignedInAsync();
        ILocator root = page.Page.Locator("html");
        await page.Page.Locator(".theme").ClickAsync();
        await Assertions.Expect(root).ToHaveAttributeAsync("data-theme", "light");
        await page.Page.Locator(".theme").ClickAsync();
        await page.Page.ReloadAsync();
        await Assertions.Expect(root).ToHaveAttributeAsync("data-theme", "dark");
    }

    [Fact]
    public async Task A_page_of_another_address_changes_nothing_though_the_browser_has_a_session()
    {
        await using OpenPage page = await fleet.SignedInAsync();
        // Another port of the same host is another origin, and yet the browser sends the cookie there.
        await page.Page.GotoAsync($"http://127.0.0.1:{fleet.WebPorts[0]}/not-there");
        Task<IResponse> answered = page.Page.WaitForResponseAsync(response => response.Url.EndsWith("/drain", Ordinal));
        await page.Page.EvaluateAsync($$"""
            () => fetch("{{fleet.Url}}api/v1/servers/CS1/drain",
                { method: "POST", mode: "no-cors", credentials: "include" })
            """);
        Assert.Equal(403, (await answered).Status);
        await page.Page.GotoAsync(fleet.Url);
        Assert.Contains("\"state\":\"alive\"", await ServerAsync(page, "CS1"), Ordinal);
    }

    [Fact]
    public async Task Figures_are_painted_soon_after_the_page_is_asked_for()
    {
        await using OpenPage page = await fleet.SignedInAsync();
        await page.Page.AddInitScriptAsync("""
            new MutationObserver((_, seen) => {
              if (!document.querySelector(".tile-value")) return;
              seen.disconnect();
              requestAnimationFrame(() => setTimeout(() => { window.painted = performance.now(); }));
            }).observe(document, { childList: true, subtree: true });
            """);
        double best = double.MaxValue;
        for (int time = 0; time < 10 && (time < 3 || best > 500); time++)
        {
            await page.Page.ReloadAsync();
            await page.Page.WaitForFunctionAsync("() => window.painted");
            best = Math.Min(best, await page.Page.EvaluateAsync<double>("() => window.painted"));
        }
        TestContext.Current.SendDiagnosticMessage(string.Create(CultureInfo.InvariantCulture, $"painted after {best} ms"));
        Assert.InRange(best, 1, 500);
    }

    [Fact]
    public async Task The_age_of_a_heartbeat_is_shown_where_a_monitor_tells_it()
    {
        await using OpenPage page = await fleet.SignedInAsync();
        string server = await ServerAsync(page, "CS1");
        await page.GoAsync("servers");
        ILocator live = page.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "CS1" });
        await Assertions.Expect(live.Locator("[data-label=Heartbeat]")).ToHaveTextAsync(new Regex(@"^\d\.\d s$"));

        string Told(string id, string age) => Regex.Replace(
            server.Replace("\"id\":\"CS1\"", $"\"id\":\"{id}\"", Ordinal),
            "\"heartbeatAge\":[0-9.]+", $"\"heartbeatAge\":{age}");
        await page.Page.RouteAsync("**/api/v1/servers?*", route => AnswerAsync(route,
            $"{{\"items\":[{Told("HEARD", "0.25")},{Told("UNHEARD", "null")}],\"next\":null}}"));
        await page.GoAsync("files");
        await page.GoAsync("servers");
        ILocator rows = page.Page.GetByRole(AriaRole.Row);
        await Assertions.Expect(rows.Filter(new() { HasText = "CS" })).ToHaveCountAsync(0);
        await Assertions.Expect(rows.Filter(new() { HasText = "UNHEARD" }).Locator("[data-label=Heartbeat]"))
            .ToHaveTextAsync("–");
        await Assertions.Expect(rows.Filter(new() { HasTextRegex = new("^ *HEARD") }).Locator("[data-label=Heartbeat]"))
            .ToHaveTextAsync("0.3 s");
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task Downloads_are_shown_by_day_and_by_file()
    {
        await using OpenPage page = await fleet.SignedInAsync();
        // A content server tells of them within a minute, which is too long to wait for.
        const string Some = """
            {"items":[{"day":"2026-11-29","name":"a <b>.iso","count":1200,"bytes":7000},
                      {"day":"2026-11-29","name":"b.iso","count":34,"bytes":3000}],"next":null}
            """;
        await page.Page.RouteAsync("**/api/v1/downloads?*", route => AnswerAsync(route, Some));
        await page.GoAsync("downloads");
        await Assertions.Expect(page.Page.GetByText("1,234 downloads, 9.77 KiB")).ToHaveCountAsync(7);
        await page.Page.GetByLabel("Search downloads").FillAsync("b>");
        await page.UntilSeenAsync("a <b>.iso");
        Assert.Equal(0, await page.Page.GetByText("b.iso", new() { Exact = true }).CountAsync());
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task Two_hundred_servers_and_a_long_list_of_files_stay_below_50_MB_of_script()
    {
        await using OpenPage page = await fleet.SignedInAsync();
        string many = ManyOf(await ServerAsync(page, "CS1"), "\"id\":\"CS1\"", number => $"\"id\":\"CS{number}\"");
        await page.Page.RouteAsync("**/api/v1/servers?*", route => AnswerAsync(route, many));
        string files = ManyOf(await TextAsync(page, "files?search=handbook", "items"), "handbook",
            number => $"handbook-{number}");
        await page.Page.RouteAsync("**/api/v1/files?*", route => AnswerAsync(route, files));
        for (int round = 0; round < 3; round++)
        {
            foreach (string place in (string[])["", "servers", "files", "events"])
            {
                await page.GoAsync(place);
                if (place == "servers") await page.UntilSeenAsync("page 1 of 4, 200 in all");
                if (place == "files") await page.UntilSeenAsync("handbook-200");
            }
        }
        ICDPSession tools = await page.Page.Context.NewCDPSessionAsync(page.Page);
        await tools.SendAsync("HeapProfiler.collectGarbage");
        double heap = await page.Page.EvaluateAsync<double>("() => performance.memory.usedJSHeapSize");
        TestContext.Current.SendDiagnosticMessage(string.Create(CultureInfo.InvariantCulture, $"{heap} bytes of heap"));
        Assert.InRange(heap, 1, 50_000_000);
        Assert.Empty(page.Faults);
    }

    private static string ManyOf(string one, string what, Func<int, string> other) => "{\"items\":["
        + string.Join(',', Enumerable.Range(1, 200).Select(number => one.Replace(what, other(number), Ordinal)))
        + "],\"next\":null}";

    private static Task AnswerAsync(IRoute route, string json) =>
        route.FulfillAsync(new() { ContentType = "application/json", Body = json });

    private static Task<string> ServerAsync(OpenPage page, string id) => TextAsync(page, $"servers/{id}", null);

    private static async Task<string> TextAsync(OpenPage page, string path, string? list)
    {
        string text = await page.Page.EvaluateAsync<string>(
            $"async () => await (await fetch('/api/v1/{path}')).text()");
        return list is null ? text : JsonDocument.Parse(text).RootElement.GetProperty(list)[0].GetRawText();
    }
}
