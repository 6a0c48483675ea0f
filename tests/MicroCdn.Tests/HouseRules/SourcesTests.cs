using System.Reflection;
using System.Text.RegularExpressions;

namespace MicroCdn.Tests.HouseRules;

/// <summary>The size of things, and what a test may not do.</summary>
public sealed partial class SourcesTests
{
    // Real processes have no fake clock: their tests look again after a moment, and at nothing else.
    private static readonly string[] RealProcesses =
        ["tests/MicroCdn.ClusterTests/Processes/", "tests/MicroCdn.ClusterTests/Tools/"];

    private const StringComparison Ordinal = StringComparison.Ordinal;
    private const int MostLines = 400;
    private const int MostColumns = 120;
    private const int MostMethodLines = 60;

    [Fact]
    public void A_file_has_at_most_400_lines() => Assert.Empty(
        All().Where(path => Repository.Lines(path).Length > MostLines)
            .Select(path => $"{path}: {Repository.Lines(path).Length} lines"));

    [Fact]
    public void A_line_has_at_most_120_columns() => Assert.Empty(
        Repository.Sources("src", "tests/MicroCdn.Tests", "tests/MicroCdn.Testing", "fuzz")
            .SelectMany(path => Repository.Lines(path).Index().Where(line => line.Item.Length > MostColumns)
            .Select(line => $"{path}:{line.Index + 1}: {line.Item.Length} columns")));

    [Fact]
    public void A_method_has_at_most_60_lines() =>
        Assert.Empty(All().SelectMany(path => LongBlocks(Repository.Lines(path)).Select(found => $"{path}:{found}")));

    [Fact]
    public void A_test_never_sleeps() =>
        Assert.DoesNotContain(
            Repository.Sources("tests")
                .Where(path => !Array.Exists(RealProcesses, start => path.StartsWith(start, Ordinal))),
            path => Sleeping().IsMatch(Repository.Text(path)));

    [Fact]
    public void A_test_class_ends_in_Tests_and_a_tests_name_is_a_sentence()
    {
        MethodInfo[] tests = [.. typeof(SourcesTests).Assembly.GetTypes().SelectMany(type => type.GetMethods())
            .Where(method => method.IsDefined(typeof(FactAttribute), inherit: true))];
        Assert.All(tests, test => Assert.EndsWith("Tests", test.DeclaringType!.Name, StringComparison.Ordinal));
        Assert.All(tests, test => Assert.True(test.Name.Count(c => c == '_') >= 2, test.Name));
    }

    [Theory]
    [InlineData(60, false)]
    [InlineData(61, true)]
    public void The_counter_of_method_lines_counts(int lines, bool tooLong)
    {
        string[] method = ["    void M()", "    {", .. Enumerable.Repeat("        if (x) { }", lines - 3), "    }"];
        string[] file = ["namespace N;", "class C(", "    int x) : B", "{", "    int y;", "", .. method, "}",
            .. new string[100]];
        Assert.Equal(tooLong, LongBlocks(file).Any());
    }

    [Fact]
    public void Each_event_of_the_log_has_a_number_of_its_own() => Assert.Empty(Repository.Sources("src")
        .SelectMany(file => EventNumber().Matches(Repository.Text(file)).Select(found => found.Groups[1].Value))
        .GroupBy(number => number).Where(same => same.Count() > 1).Select(same => same.Key));

    private static IEnumerable<string> All() => Repository.Sources("src", "tests", "bench", "fuzz");

    // In this house a brace that opens a block stands alone, and the one that closes it stands under it.
    private static IEnumerable<string> LongBlocks(string[] lines)
    {
        for (int open = 1; open < lines.Length; open++)
        {
            if (lines[open]?.Trim() != "{") continue;
            int first = open - 1;
            while (first > 0 && !EndsSomething(lines[first - 1])) first--;
            if (TypeHeader().IsMatch(string.Join(' ', lines[first..open]))) continue;
            string closing = lines[open].Replace('{', '}');
            bool Closes(string line) => line?.StartsWith(closing, StringComparison.Ordinal) == true;
            int close = Array.FindIndex(lines, open, Closes);
            int length = close - first + 1;
            if (length > MostMethodLines) yield return $"{first + 1}: {length} lines";
        }
    }

    private static bool EndsSomething(string line) => line.Trim() is "" or "{" or "}"
        || line.TrimStart().StartsWith("//", StringComparison.Ordinal)
        || line.EndsWith(';') || line.EndsWith('}') || line.TrimStart().StartsWith('[');

    [GeneratedRegex(@"\b(class|record|struct|interface|enum|namespace)\s+\w")]
    private static partial Regex TypeHeader();

    [GeneratedRegex(@"\[LoggerMessage\((\d+),")]
    private static partial Regex EventNumber();

    // Waiting on a fake clock, or until one is cancelled, is no sleep; without a clock it does not compile.
    [GeneratedRegex(@"\bThread\s*\.\s*Sleep\b|\bTask\s*\.\s*Delay\b(?!\(Timeout\.Inf)[^;\n]*TimeProvider\.System")]
    private static partial Regex Sleeping();
}
