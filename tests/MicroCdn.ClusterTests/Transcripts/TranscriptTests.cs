using MicroCdn.ClusterTests.FakeNetwork;

namespace MicroCdn.ClusterTests.Transcripts;

/// <summary>Plays every transcript of this folder against the real roles, in the order of the numbers.</summary>
[Collection(FakeNetworkTests.Name)]
public sealed class TranscriptTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Transcripts");

    public static TheoryData<string> All =>
        [.. Directory.EnumerateFiles(Folder, "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)).Order()];

    [Theory, MemberData(nameof(All))]
    public Task The_roles_say_what_the_transcript_says(string name) => PlayAsync(name, fragmentBytes: null);

    [Theory, MemberData(nameof(All))]
    public Task They_say_the_same_when_every_byte_arrives_by_itself(string name) => PlayAsync(name, fragmentBytes: 1);

    [Fact]
    public void There_are_transcripts_and_each_has_a_title() => Assert.All(
        Directory.GetFiles(Folder, "*.txt").DefaultIfEmpty("no transcript was copied beside the tests"),
        file => Assert.Matches("^[A-Z].*[^.]$", File.ReadLines(file).First()));

    private static Task PlayAsync(string name, int? fragmentBytes) =>
        TranscriptPlayer.PlayAsync(name, File.ReadAllLines(Path.Combine(Folder, name + ".txt")), fragmentBytes);
}
