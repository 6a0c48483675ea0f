using System.Text.RegularExpressions;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.HouseRules;

/// <summary>What the documents say about the code is true.</summary>
public sealed partial class DocumentsTests
{
    // Files that the documents name as things to download, not as places in this repository.
    private static readonly string[] Samples = ["docs/about.txt"];

    public static TheoryData<string> Documents =>
        [.. new[] { "README.md", "CONTRIBUTING.md", "SECURITY.md" }.Where(Repository.Has)
        .Concat(Repository.Has("docs") ? Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md",
            SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Repository.Root, path)) : []).Order(),
                "none"];

    [Fact]
    public void The_table_of_refusals_in_the_protocol_is_the_one_in_the_code()
    {
        Assert.SkipUnless(Repository.Has("docs/protocol.md"), "docs/protocol.md is not written yet");
        string[][] rows = [.. Repository.Lines("docs/protocol.md")
            .SkipWhile(line => !TableHead().IsMatch(line)).Skip(2).TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim().Trim('|').Split('|').Select(cell => cell.Trim()).ToArray())];
        Assert.NotEmpty(rows);
        string[] words = [.. rows.Select(row => row[0].Replace("`", "", StringComparison.Ordinal)
            .Replace("ERROR ", "", StringComparison.Ordinal))];
        Assert.Equal(WireErrors.All.Select(error => error.Word), words);
    }

    [Theory, MemberData(nameof(Documents))]
    public void Every_path_that_a_document_names_exists(string document)
    {
        if (document == "none") return;
        string text = Fence().Replace(Repository.Text(document), "");
        string[] missing = [.. Inline().Matches(text).SelectMany(match => match.Groups[1].Value.Split(' '))
            .Select(word => Position().Replace(word, "").TrimEnd('/', '.', ','))
            .Where(word => RepositoryPath().IsMatch(word) && !Samples.Contains(word) && !Repository.Has(word))];
        Assert.Empty(missing);
    }

    [Theory, MemberData(nameof(Documents))]
    public void Every_relative_link_of_a_document_leads_somewhere(string document)
    {
        if (document == "none") return;
        string folder = Path.GetDirectoryName(document) ?? "";
        string[] broken = [.. Link().Matches(Fence().Replace(Repository.Text(document), ""))
            .Select(match => match.Groups[1].Value)
            .Where(link => !link.Contains(':') && !link.StartsWith('#'))
            .Where(link => !Repository.Has(Path.Combine(folder, link.Split('#')[0])))];
        Assert.Empty(broken);
    }

    [GeneratedRegex(@"^\|\s*`?ERROR`?\s+word\s*\|\s*closes\s*\|\s*meaning\s*\|", RegexOptions.IgnoreCase)]
    private static partial Regex TableHead();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"`([^`\n]+)`")]
    private static partial Regex Inline();

    [GeneratedRegex(@":\d+(-\d+)?$")]
    private static partial Regex Position();

    [GeneratedRegex(@"^(\./)?((src|tests|docs|bench|\.ci)/[\w./-]+|run-tests|[\w.]+\.(slnx|props|targets))$")]
    private static partial Regex RepositoryPath();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
