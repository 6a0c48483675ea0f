using System.CommandLine;
using System.Text.Json;
using Json.Schema;
using MicroCdn.Settings;

namespace MicroCdn.Tests.HouseRules;

/// <summary>docs/settings.schema.json describes the settings as they are.</summary>
public sealed class SettingsSchemaTests
{
    private static readonly RootCommand Root = CommandLine.CreateRoot();

    private static readonly JsonSchema Schema = JsonSchema.FromText(SettingsSchema.Of(Root));

    [Fact]
    public void The_schema_in_the_docs_is_the_one_in_the_code() => Assert.True(
        Repository.Text("docs/settings.schema.json") == SettingsSchema.Of(Root),
        "docs/settings.schema.json must be what 'microcdn config schema' prints");

    [Theory]
    [InlineData("""{"$schema": "settings.schema.json", "httpPort": 7003, "content": {"serverId": "CS1"}}""", true)]
    [InlineData("""{"httpPort": "7003", "trust": ["10.0.0.0/8"], "cors": "*", "listings": true}""", true)]
    [InlineData("""{"cacheControl": {"/": "no-store"}, "client": {"index": ["a:1"]}}""", true)]
    [InlineData("""{"cacheControl": ["/=no-store"], "monitor": {"timeout": "8s"}}""", true)]
    [InlineData("""{"htpPort": 1}""", false)]
    [InlineData("""{"content": {"timeout": 1}}""", false)]
    [InlineData("""{"listings": "yes"}""", false)]
    [InlineData("""{"httpPort": [1]}""", false)]
    [InlineData("""{"httpPort": null}""", false)]
    [InlineData("""{"cors": [true]}""", false)]
    [InlineData("""{"index": ["a:1"]}""", false)]
    [InlineData("[]", false)]
    public void It_takes_what_the_program_takes(string json, bool isTaken)
    {
        Assert.Equal(isTaken, Schema.Evaluate(JsonElement.Parse(json)).IsValid);
        byte[] text = System.Text.Encoding.UTF8.GetBytes(json);
        Assert.Equal(isTaken, Record.Exception(() =>
        {
            SettingsSource source = new("x.json", text, Section.All(Root));
            foreach (Command verb in ConfigFlag.Verbs(Root)) _ = source.For(verb, _ => true).Count();
        }) is null);
    }

    [Fact]
    public void The_examples_of_the_page_fit_it() => Assert.All(
        Repository.Text("docs/settings.md").Split("```jsonc\n")[1..].Select(part => part.Split("```")[0]), example =>
            Assert.True(Schema.Evaluate(JsonElement.Parse(example, new()
            {
                AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip,
            })).IsValid));
}
