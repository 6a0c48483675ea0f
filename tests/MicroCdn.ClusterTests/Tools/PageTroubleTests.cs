using System.Diagnostics;
using Microsoft.Playwright;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>What the page of a real index shows when something is wrong.</summary>
[Trait("Needs", "chromium")]
public sealed class PageTroubleTests : IAsyncLifetime
{
    private readonly PageFleet _fleet = new();

    public ValueTask InitializeAsync() => _fleet.InitializeAsync();

    public ValueTask DisposeAsync() => _fleet.DisposeAsync();

    [Fact]
    public async Task A_killed_server_is_dead_on_the_page_with_the_reason_and_without_a_reload()
    {
        await using OpenPage page = await _fleet.SignedInAsync();
        await page.UntilSeenAsync("Nothing is wrong.");
        _fleet.Contents[1].Kill();
        ILocator problem = page.Page.Locator(".problems").GetByText("CS2 is dead: ");
        await problem.WaitForAsync();
        Assert.Contains("monitor", await problem.TextContentAsync(), StringComparison.Ordinal);
        await page.Page.Locator(".happened").GetByText("CS2 is dead").First.WaitForAsync();
        await page.PictureAsync("one-server-down-overview-light");
        await problem.ClickAsync();
        await page.Page.Locator(".note").GetByText("says that it is dead").WaitForAsync();
        await page.GoAsync("servers");
        ILocator row = page.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "CS2" });
        await Assertions.Expect(row).ToContainTextAsync("dead");
        await Assertions.Expect(row).ToContainTextAsync("says that it is dead");
        await page.PictureAsync("one-server-down-servers-light");
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task Nothing_is_shown_as_live_while_the_index_is_away_and_all_is_again_within_5_s_of_its_return()
    {
        await using OpenPage page = await _fleet.SignedInAsync();
        await page.UntilSeenAsync("Nothing is wrong.");
        _fleet.Index.Kill();
        await page.Page.Locator(".lost").GetByText("Lost the index at").WaitForAsync();
        Assert.Equal(0, await page.Page.Locator(".pulse.is-live").CountAsync());
        await Assertions.Expect(page.Page.Locator(".tiles").GetByText("as of ")).ToHaveCountAsync(6);
        string dimmed = await page.Page.Locator(".content").EvaluateAsync<string>("it => getComputedStyle(it).filter");
        Assert.Equal("grayscale(1)", dimmed);
        await page.PictureAsync("index-away-light");
        await page.GoAsync("servers");
        await page.PictureAsync("index-away-servers-light");
        await page.GoAsync("");

        await _fleet.StartIndexAsync();
        long back = Stopwatch.GetTimestamp();
        await page.Page.WaitForSelectorAsync(".frame.is-live");
        TimeSpan took = Stopwatch.GetElapsedTime(back);
        Assert.True(took < TimeSpan.FromSeconds(5), $"it took {took}");
        await page.Page.Locator(".lost").WaitForAsync(new() { State = WaitForSelectorState.Detached });
        await page.UntilSeenAsync("CS1");
        Assert.Equal(0, await page.Page.GetByText("as of ").CountAsync());
        Assert.DoesNotContain(page.Faults, fault => !fault.Contains("ERR_", StringComparison.Ordinal));
    }
}
