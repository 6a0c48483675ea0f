using System.Text;
using MicroCdn.ClusterTests.Processes;
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
    public async Task Files_are_staged_from_the_page_and_a_client_gets_them_once_they_are_activated()
    {
        byte[] large = Stage.Noise(3_000_000, seed: 8);
        await using OpenPage page = await fleet.SignedInAsync();
        await page.GoAsync("releases");
        await StageAsync(page, "v3", "microcdn put one.bin new/one.bin --stage v3", FileOf("one.bin", large),
            FileOf("two <b>.html", Encoding.UTF8.GetBytes("two")));
        await page.UntilSeenAsync("2 of 2 files staged in v3");
        await page.PictureAsync("staged-light");
        using HttpClient client = new();
        Assert.Equal(404, (int)(await client.GetAsync($"{fleet.Gateway}new/one.bin")).StatusCode);

        await Panel(page).GetByRole(AriaRole.Button, new() { Name = "Activate" }).ClickAsync();
        await ConfirmAsync(page, "microcdn activate v3", "Activate");
        await page.UntilSeenAsync("v3 is active");
        Assert.Equal(large, await client.GetByteArrayAsync($"{fleet.Gateway}new/one.bin"));
        Assert.Equal("two", await client.GetStringAsync($"{fleet.Gateway}new/two%20%3Cb%3E.html"));

        // Nothing is added to what everybody sees already; each file says so.
        await StageAsync(page, "v3", "microcdn put late.html new/late.html --stage v3", FileOf("late.html", [1]));
        ILocator row = page.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "new/late.html" });
        await Assertions.Expect(row).ToContainTextAsync("A release of this name is active already");
        await page.UntilSeenAsync("0 of 1 file staged in v3");
        await Panel(page).GetByRole(AriaRole.Button, new() { Name = "Try again" }).WaitForAsync();
        Assert.DoesNotContain(page.Faults, fault => !fault.Contains("409", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_folder_is_staged_with_what_is_below_it()
    {
        string folder = Path.Combine(fleet.Stage.MakeFolder("chosen"), "dist");
        Directory.CreateDirectory(Path.Combine(folder, "img"));
        await File.WriteAllTextAsync(Path.Combine(folder, "index.html"), "a folder");
        await File.WriteAllTextAsync(Path.Combine(folder, "img", "logo.svg"), "<svg/>");
        await using OpenPage page = await fleet.SignedInAsync();
        await page.GoAsync("releases");
        await page.Page.GetByLabel("Release", new() { Exact = true }).FillAsync("v4");
        await page.Page.GetByLabel("Below").FillAsync("www/");
        await page.Page.GetByLabel("or a folder").SetInputFilesAsync(folder);
        await Panel(page).GetByRole(AriaRole.Button, new() { Name = "Stage…" }).ClickAsync();
        await ConfirmAsync(page, "microcdn put dist www --stage v4", "Stage");
        await page.UntilSeenAsync("2 of 2 files staged in v4");
        await Panel(page).GetByRole(AriaRole.Button, new() { Name = "Activate" }).ClickAsync();
        await ConfirmAsync(page, "microcdn activate v4", "Activate");
        await page.UntilSeenAsync("v4 is active");
        using HttpClient client = new();
        Assert.Equal("<svg/>", await client.GetStringAsync($"{fleet.Gateway}www/img/logo.svg"));
        Assert.Empty(page.Faults);
    }

    [Fact]
    public async Task A_policy_that_somebody_changed_meanwhile_is_left_and_the_page_says_so()
    {
        await using OpenPage page = await fleet.SignedInAsync();
        await page.Page.EvaluateAsync("""
            async () => {
              const { csrf } = await (await fetch("/api/v1/session")).json();
              await fetch("/api/v1/policies/raced%2F", { method: "PUT", body: '{"replicas":1}',
                headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf } });
            }
            """);
        const string Shown = """
            {"items":[{"prefix":"raced/","replicas":2,"zoneSpread":false,"servers":[],"etag":"\"as it was\""}],"next":null}
            """;
        await page.Page.RouteAsync("**/api/v1/policies?*",
            route => route.FulfillAsync(new() { ContentType = "application/json", Body = Shown }));
        await page.GoAsync("policies");
        ILocator row = page.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "raced/" });
        await row.GetByRole(AriaRole.Button, new() { Name = "Remove" }).ClickAsync();
        ILocator dialog = page.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByText("-H 'If-Match: \"as it was\"'").WaitForAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Remove", Exact = true }).ClickAsync();
        await dialog.GetByRole(AriaRole.Alert).GetByText("It was changed meanwhile").WaitForAsync();
        Assert.Contains("\"replicas\":1", await page.Page.EvaluateAsync<string>(
            "async () => await (await fetch('/api/v1/policies/raced%2F')).text()"), StringComparison.Ordinal);
        Assert.DoesNotContain(page.Faults, fault => !fault.Contains("412", StringComparison.Ordinal));
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

    private static FilePayload FileOf(string name, byte[] bytes) =>
        new() { Name = name, MimeType = "application/octet-stream", Buffer = bytes };

    private static ILocator Panel(OpenPage page) =>
        page.Page.GetByRole(AriaRole.Region, new() { Name = "Stage files" });

    private static async Task StageAsync(OpenPage page, string release, string command, params FilePayload[] files)
    {
        await page.Page.GetByLabel("Release", new() { Exact = true }).FillAsync(release);
        await page.Page.GetByLabel("Below").FillAsync("new");
        await page.Page.GetByLabel("Files", new() { Exact = true }).SetInputFilesAsync(files);
        await Panel(page).GetByRole(AriaRole.Button, new() { Name = "Stage…" }).ClickAsync();
        await ConfirmAsync(page, command, "Stage");
    }

    private static async Task ConfirmAsync(OpenPage page, string command, string verb)
    {
        ILocator dialog = page.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByText(command, new() { Exact = true }).WaitForAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = verb, Exact = true }).ClickAsync();
    }
}
