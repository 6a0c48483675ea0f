using System.Net;
using MicroCdn.Index.Events;
using MicroCdn.Notify;
using MicroCdn.Settings;

namespace MicroCdn.Tests.Executable;

public sealed class NotifyFlagsTests
{
    [Theory]
    [InlineData("--notify ftp://example.org/")]
    [InlineData("--notify example.org")]
    [InlineData("--notify https://user:secret@example.org/")]
    public void What_nobody_can_post_to_is_refused_with_what_would_be_right(string words) =>
        Assert.StartsWith("--notify wants a URL of http or https", Wrong($"index {words}"), StringComparison.Ordinal);

    [Fact]
    public void At_most_eight_are_told()
    {
        string eight = string.Concat(Enumerable.Range(0, 7).Select(n => $" --notify http://h{n}/"))
            + " --notify-command true";
        Assert.Null(Wrong("index" + eight));
        Assert.Null(Wrong("up" + eight));
        Assert.Equal("at most 8 are told of events, by --notify and --notify-command together, not 9.",
            Wrong($"index{eight} --notify http://h9/"));
    }

    [Theory]
    [InlineData("https://hooks.example.org/services/T0/SECRET", "https://hooks.example.org/...")]
    [InlineData("http://h:8000/?key=SECRET", "http://h:8000/...")]
    [InlineData("http://h:8000/", "http://h:8000")]
    public void The_name_of_a_target_holds_nothing_that_may_be_secret(string url, string name)
    {
        using WebTarget target = new(new Uri(url), TimeProvider.System);
        Assert.Equal(name, target.Name);
    }

    [Fact]
    public void A_command_is_named_by_its_program_and_parted_at_spaces_alone()
    {
        CommandTarget target = new("/usr/bin/mail -s SECRET a", "i", TimeProvider.System);
        Assert.Equal("/usr/bin/mail ...", target.Name);
        Assert.Equal(["a", "'b", "c'", "$d"], CommandTarget.Words(" a  'b c' $d "));
    }

    [Theory]
    [InlineData(200, null), InlineData(204, null)]
    [InlineData(404, "it answered 404 (NotFound)")]
    [InlineData(302, "it answered 302 and names another place, which is not followed: name that")]
    public async Task What_a_url_answers_is_told_in_a_sentence(int status, string? trouble)
    {
        using Answering handler = new(status);
        using WebTarget target = new(new Uri("http://h/x"), TimeProvider.System, handler);
        FleetEvent what = new(1, DateTimeOffset.UnixEpoch, EventKind.Test, Severity.Info, "", "a test");
        Assert.Equal(trouble, await target.TellAsync([what], "{}"u8.ToArray(), CancellationToken.None));
        Assert.Equal("POST http://h/x application/json {}", handler.Asked);
    }

    private static string? Wrong(string line) =>
        CommandLine.Read(CommandLine.CreateRoot(), line.Split(' '), SettingsPlaces.None).Wrong;

    private sealed class Answering(int status) : HttpMessageHandler
    {
        public string Asked { get; private set; } = "";

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            string body = await request.Content!.ReadAsStringAsync(cancellationToken);
            Asked = $"{request.Method} {request.RequestUri} {request.Content.Headers.ContentType} {body}";
            return new HttpResponseMessage((HttpStatusCode)status);
        }
    }
}
