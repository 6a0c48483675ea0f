using Microsoft.Playwright;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>What is done on the page of a real index is done, and only by who may.</summary>
[Trait("Needs", "chromium")]
public sealed class PageSteeringTests(PageFleet fleet) : IClassFixture<PageFleet>
{
    [Fact]
    public async Task A_release_is_activated_and_rolled_back()
    {
        await fleet.StageReleaseAsync("v2", "site/new.html");
        await using OpenPage page = await fleet.SignedInAsync();
        await page.GoAsync("releases");
        ILocator release = page.Page.GetByRole(AriaRole.Listitem).Filter(new() { HasText = "v2" });
        await release.GetByRole(AriaRole.Button, new() { Name = "Activate" }).ClickAsync();
        await ConfirmAsync(page, "microcdn activate v2", "Activate");
        await release.GetByText("v2 is active").WaitForAsync();
        await page.GoAsync("files?q=new");
        await page.UntilSeenAsync("site/new.html");

        await page.GoAsync("releases");
        await release.GetByRole(AriaRole.Button, new() { Name = "Roll back" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Checkbox).CheckAsync();
        await ConfirmAsync(page, "microcdn rollback v2", "Roll back");
        await release.GetByText("v2 is rolled back").WaitForAsync();
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task A_policy_is_set_and_taken_out()
    {
        await using OpenPage page = await fleet.SignedInAsync();
        await page.GoAsync("policies");
        await page.Page.GetByLabel("Prefix").FillAsync("nightly/");
        await page.Page.GetByLabel("Copies", new() { Exact = true }).FillAsync("1");
        await page.Page.GetByLabel("Servers").FillAsync("CS1");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Set…" }).ClickAsync();
        await ConfirmAsync(page, "microcdn policy set nightly/ --replicas 1 --servers CS1", "Set");
        ILocator row = page.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "nightly/" });
        await Assertions.Expect(row).ToContainTextAsync("CS1");
        await row.GetByRole(AriaRole.Button, new() { Name = "Remove" }).ClickAsync();
        await ConfirmAsync(page, "microcdn policy rm nightly/", "Remove");
        await row.WaitForAsync(new() { State = WaitForSelectorState.Detached });
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task A_token_for_reading_is_made_shown_once_and_lets_its_owner_look_and_nothing_else()
    {
        await using OpenPage page = await fleet.SignedInAsync();
        await page.GoAsync("tokens");
        await page.Page.GetByLabel("Note").FillAsync("a <b>looker</b>");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Make…" }).ClickAsync();
        await ConfirmAsync(page, "microcdn token add --scope read --note 'a <b>looker</b>'", "Make");
        ILocator shown = page.Page.GetByRole(AriaRole.Dialog).Locator("code").Filter(new() { HasText = "microcdn_" });
        string token = (await shown.TextContentAsync())!;
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Close" }).ClickAsync();
        await page.UntilSeenAsync("a <b>looker</b>");
        Assert.Equal(0, await page.Page.GetByText(token).CountAsync());

        await using OpenPage looker = await fleet.Browser.OpenAsync(fleet.Url);
        await looker.SignInAsync(token);
        await looker.GoAsync("servers/CS1");
        await looker.UntilSeenAsync("may be sent there");
        Assert.Equal(0, await looker.Page.GetByRole(AriaRole.Button, new() { Name = "Drain" }).CountAsync());
        Assert.Equal(0, await looker.Page.GetByRole(AriaRole.Link, new() { Name = "Tokens" }).CountAsync());

        // Its session ends with it.
        ILocator row = page.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "looker" });
        await row.GetByRole(AriaRole.Button, new() { Name = "Take back" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Take back" }).ClickAsync();
        await looker.Page.WaitForSelectorAsync("#token");
        Assert.Empty(page.Faults);
    }

    private static async Task ConfirmAsync(OpenPage page, string command, string verb)
    {
        ILocator dialog = page.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByText(command, new() { Exact = true }).WaitForAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = verb, Exact = true }).ClickAsync();
    }
}
