using System.CommandLine;
using MicroCdn.Settings;

namespace MicroCdn.Tests.HouseRules;

/// <summary>docs/settings.md shows the settings as they are.</summary>
public sealed class SettingsPageTests
{
    private static readonly RootCommand Root = CommandLine.CreateRoot();

    [Fact]
    public void The_table_of_settings_is_the_one_in_the_code()
    {
        string[] expected = ["| flag | key | verbs | default | meaning |", "|---|---|---|---|---|",
            .. SettingsTable.Rows(Root).Select(row => row.ToString())];
        string[] shown = [.. Repository.Lines("docs/settings.md").SkipWhile(line => line != expected[0])
            .TakeWhile(line => line.StartsWith('|'))];
        Assert.True(expected.SequenceEqual(shown),
            $"docs/settings.md must hold this table:\n\n{string.Join('\n', expected)}\n");
    }

    [Fact]
    public void Every_setting_says_what_it_means_and_what_its_value_is_called() =>
        Assert.All(SettingsTable.Rows(Root).Select(row => row.Setting), setting =>
        {
            Assert.EndsWith(".", setting.Option.Description, StringComparison.Ordinal);
            Assert.True(setting.IsSwitch || setting.ValueName.Length > 0, setting.Flag);
        });

    [Fact]
    public void A_key_belongs_to_one_flag_and_every_role_has_settings()
    {
        Assert.Equal(["content", "index", "monitor", "up"],
            ConfigFlag.Verbs(Root).Select(verb => verb.Name).Order());
        Assert.All(ConfigFlag.Verbs(Root), verb => Assert.Distinct(Setting.Of(verb).Select(setting => setting.Key)));
    }

    [Fact]
    public void The_examples_of_the_page_can_be_used()
    {
        string[] examples = [.. Repository.Text("docs/settings.md").Split("```jsonc\n")[1..]
            .Select(part => part.Split("```")[0])];
        Assert.NotEmpty(examples);
        foreach (string example in examples)
        {
            SettingsSource file = new("example", System.Text.Encoding.UTF8.GetBytes(example), Section.All(Root));
            int used = 0;
            foreach (Command verb in ConfigFlag.Verbs(Root).Where(verb => verb.Name != "up"))
            {
                string[] words = [.. file.For(verb, _ => true).SelectMany(setting => setting.Words)];
                used += words.Length;
                if (words.Length > 0) Assert.Empty(Root.Parse([verb.Name, .. words]).Errors);
            }
            Assert.NotEqual(0, used);
        }
    }
}
