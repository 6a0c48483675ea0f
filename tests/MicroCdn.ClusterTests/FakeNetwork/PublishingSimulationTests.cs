using System.Globalization;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>Publishing by seed: the real index, content servers and clients, and something fails at every step.</summary>
/// <remarks>A failure says its seed and what was done. <c>MICROCDN_SEED=7</c> plays that seed alone, and
/// <c>MICROCDN_SEEDS=1000</c> as many.</remarks>
[Collection(FakeNetworkTests.Name)]
public sealed class PublishingSimulationTests
{
    // About a second each; those that found something.
    private static readonly int[] Usual = [6, 13, 18, 19, 21, 23];

    private static readonly int[] UsualReleases = [8, 42, 50, 51];
    private static readonly int[] Healing = [1, 2, 3];
    private static readonly int[] Failovers = [2, 8, 14, 27];

    [Fact]
    public async Task What_was_acknowledged_stays_what_was_removed_does_not_come_back_and_a_name_is_old_or_new()
    {
        foreach (int play in SeedsOf(Usual)) await PublishingPlay.RunAsync(play);
    }

    [Fact]
    public async Task And_what_is_lost_is_made_anew_while_servers_come_and_are_to_go()
    {
        foreach (int play in SeedsOf(Healing)) await PublishingPlay.RunAsync(play, heals: true);
    }

    [Fact]
    public async Task Nobody_sees_half_a_release_and_what_was_staged_or_activated_stays_so()
    {
        foreach (int play in SeedsOf(UsualReleases)) await PublishingPlay.RunReleasesAsync(play);
    }

    [Fact]
    public async Task Of_several_indexes_one_writes_and_the_others_show_what_it_wrote_whoever_dies_hangs_or_is_cut_off()
    {
        foreach (int play in SeedsOf(Failovers)) await FailoverPlay.RunAsync(play);
    }

    private static int[] SeedsOf(int[] usual) => NumberOf("MICROCDN_SEED") is { } seed ? [seed]
        : NumberOf("MICROCDN_SEEDS") is { } count ? [.. Enumerable.Range(1, count)] : usual;

    private static int? NumberOf(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number)
            ? number : null;
}
