using MicroCdn.Api;
using MicroCdn.Client;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Tests.Executable.Api;

public sealed class ApiClientTests
{
    private const string Event =
        """{"id":7,"time":"2026-11-29T12:54:20.123Z","kind":"server","severity":"error","subject":"CS1","text":"x"}""";

    private static readonly Uri Admin = new("http://127.0.0.1:8081");

    [Theory]
    [InlineData(401, null, null, CdnFailure.Refused, "wants a token: name its file with --token-file")]
    [InlineData(401, "t", null, CdnFailure.Refused, "does not know the token in 't'")]
    [InlineData(403, "t", null, CdnFailure.Refused, "the token in 't' does not allow this")]
    [InlineData(403, "t", "This token is for read.", CdnFailure.Refused, "This token is for read.")]
    [InlineData(404, "t", "No server has 'x'.", CdnFailure.NotFound, "No server has 'x'.")]
    [InlineData(404, "t", null, CdnFailure.Refused, "there is no admin API at http://127.0.0.1:8081")]
    [InlineData(500, "t", null, CdnFailure.Refused, "answered 500: see its log")]
    [InlineData(302, "t", null, CdnFailure.Refused, "answered 302")]
    public async Task What_is_refused_says_what_to_do(
        int status, string? file, string? detail, CdnFailure failure, string sentence)
    {
        AnsweringIndex index = detail is null ? AnsweringIndex.Of(status, "<html>", "text/html")
            : AnsweringIndex.Of(status, $$"""{"detail":"{{detail}}"}""", "application/problem+json");
        using ApiClient client = new(Admin, file is null ? null : "TOKEN", file, index);
        CdnException refused = await Assert.ThrowsAsync<CdnException>(() => EventsAsync(client));
        Assert.Equal(failure, refused.Failure);
        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        Assert.Equal(file is null ? "GET /api/v1/events?limit=1000" : "GET /api/v1/events?limit=1000 Bearer TOKEN",
            index.Asked.Single());
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("<html>")]
    [InlineData("{\"items\":[" + Event)]
    public async Task What_is_no_answer_of_an_index_is_told_so(string json)
    {
        using ApiClient client = new(Admin, null, null, AnsweringIndex.Of(200, json));
        CdnException refused = await Assert.ThrowsAsync<CdnException>(() => EventsAsync(client));
        Assert.Contains("is not what an index answers: name its admin port with --admin", refused.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_is_read_page_after_page_and_no_longer_than_wanted()
    {
        AnsweringIndex index = new(request => AnsweringIndex.Answer(200, request.RequestUri!.Query.Contains("after")
            ? $$"""{"items":[{{Event}}],"next":null}""" : $$"""{"items":[{{Event}}],"next":"a b"}"""));
        using ApiClient client = new(Admin, null, null, index);
        List<EventView> events = await EventsAsync(client);
        Assert.Equal([7, 7], events.Select(one => one.Id));
        Assert.Equal("GET /api/v1/events?limit=1000&after=a%20b", index.Asked[1]);
        Assert.Single(await client.ListAsync(
            "/events", ApiShapes.Default.ListingEventView, CancellationToken.None, 1));
    }

    [Fact]
    public async Task Who_is_not_there_is_named_with_what_to_look_at()
    {
        using ApiClient client = new(Admin, null, null,
            new AnsweringIndex(_ => throw new HttpRequestException("x", new IOException("Connection refused"))));
        CdnException lost = await Assert.ThrowsAsync<CdnException>(() => EventsAsync(client));
        Assert.Equal((CdnFailure.Unreachable, "the index cannot be asked at http://127.0.0.1:8081: Connection refused. "
            + "Is it running, with this --admin-port? Another one is named with --admin."),
            (lost.Failure, lost.Message));
    }

    [Fact]
    public async Task An_answer_without_end_is_not_taken()
    {
        using ApiClient client = new(Admin, null, null,
            AnsweringIndex.Of(200, new string(' ', 17 << 20)));
        await Assert.ThrowsAsync<CdnException>(() => EventsAsync(client));
    }

    private static Task<List<EventView>> EventsAsync(ApiClient client) =>
        client.ListAsync("/events", ApiShapes.Default.ListingEventView, CancellationToken.None);
}
