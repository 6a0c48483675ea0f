using MicroCdn.Client;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Client;

public sealed class LocatorTests
{
    [Fact]
    public async Task A_report_is_given_up_when_the_index_says_nothing_to_it()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        FakeTimeProvider time = new();
        ScriptedPeers peers = new ScriptedPeers().With("index", 5050, line => line switch
        {
            "HELLO 2" => "WELCOME MICRO-CDN 2\n",
            "LOCATE x" => "ERROR FILE_NOT_FOUND\n",
            _ => "",
        });
        Locator locator = new("index", 5050, peers, time, TimeSpan.FromSeconds(10), null);
        Assert.Null(await locator.FindAsync(Names.Of("x"), [], cancellationToken));
        Task report = locator.ReportAsync(Names.Of("x"), "CS1", "stall", cancellationToken);
        Assert.Contains("index:5050 REPORT x CS1 stall", peers.Said);
        Assert.False(report.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(10));
        await report.WaitAsync(TimeSpan.FromSeconds(5), cancellationToken);
    }
}
