using System.CommandLine;
using MicroCdn.Settings;

namespace MicroCdn.Tests.Executable;

/// <summary>What is typed: verbs, flags, and the examples of the help.</summary>
public sealed class WordsTests
{
    private static readonly string[] Roles = ["up", "index", "monitor", "content"];

    public static TheoryData<string> Verbs => [.. Leaves(CommandLine.CreateRoot()).Select(Unknown.PathOf)];

    [Theory]
    [InlineData("stauts", "there is no verb 'stauts'; did you mean 'status'?")]
    [InlineData("Status", "there is no verb 'Status'; did you mean 'status'?")]
    [InlineData("xyzzy", "there is no verb 'xyzzy'.")]
    [InlineData("server retrie CS2", "there is no verb 'server retrie'; did you mean 'server retire'?")]
    [InlineData("index chekc", "there is no verb 'index chekc'; did you mean 'index check'?")]
    [InlineData("index --hhtp-port 80", "'index' has no flag '--hhtp-port'; did you mean '--http-port'?")]
    [InlineData("policy set / --replica=3", "'policy set' has no flag '--replica'; did you mean '--replicas'?")]
    [InlineData("--helo", "'microcdn' has no flag '--helo'; did you mean '--help'?")]
    [InlineData("get a --uot b", "'get' has no flag '--uot'; did you mean '--out'? (A word that begins so stands "
        + "behind '--'.)")]
    [InlineData("explain --frm 192.0.2.7 a", "'explain' has no flag '--frm'; did you mean '--from'? (A word that "
        + "begins so stands behind '--'.)")]
    public void A_mistyped_word_is_named_with_the_one_that_may_be_meant(string line, string sentence) =>
        Assert.Equal(sentence, Wrong(line.Split(' ')));

    [Theory]
    [InlineData("get -- --uot")]
    [InlineData("ls --help")]
    [InlineData("stat --help")]
    [InlineData("index --help")]
    public void What_is_right_is_not_mended(string line) => Assert.Null(Wrong(line.Split(' ')));

    [Theory, MemberData(nameof(Verbs))]
    public void A_verb_has_examples_that_can_be_typed_and_its_help_begins_with_them(string path)
    {
        RootCommand root = CommandLine.CreateRoot();
        string[] examples = [.. Examples.Of(Find(root, path))];
        Assert.NotEmpty(examples);
        foreach (string example in examples)
        {
            Assert.StartsWith($"microcdn {path}", example, StringComparison.Ordinal);
            Assert.Null(Wrong(example.Replace("'nightly build'", "nightly", StringComparison.Ordinal).Split(' ')[1..]));
        }
        StringWriter output = new() { NewLine = "\n" };
        root.Parse([.. path.Split(' '), "--help"]).Invoke(new InvocationConfiguration { Output = output });
        Assert.StartsWith($"Examples:\n  {examples[0]}\n", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("Usage:\n", output.ToString(), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Verbs))]
    public void A_verb_that_tells_something_tells_it_to_scripts_too(string path) =>
        // Those three write files of a form of their own.
        Assert.Equal(!Roles.Contains(path) && path is not ("config schema" or "completion" or "manual"),
            Find(CommandLine.CreateRoot(), path).Options.Any(option => option.Name == "--json"));

    private static IEnumerable<Command> Leaves(Command verb) => verb.Subcommands.SelectMany(inner =>
        inner.Subcommands.Count == 0 || inner.Action is not null ? Leaves(inner).Prepend(inner) : Leaves(inner));

    private static Command Find(Command verb, string path) =>
        path.Split(' ').Aggregate(verb, (at, name) => at.Subcommands.Single(inner => inner.Name == name));

    private static string? Wrong(string[] words) =>
        CommandLine.Read(CommandLine.CreateRoot(), words, SettingsPlaces.None).Wrong;
}
