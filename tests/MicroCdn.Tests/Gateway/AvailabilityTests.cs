using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Tests.Index;

namespace MicroCdn.Tests.Gateway;

/// <summary>Who gets no server and what it is told, and the questions that are not about files.</summary>
public sealed class AvailabilityTests
{
    private readonly GatewayWorld _world = new();

    [Fact]
    public void When_all_servers_are_left_out_the_answer_is_503_with_the_reasons()
    {
        _world.Register("CS1", "10.0.0.1", "http=7003", "a.txt 5");
        _world.Register("CS2", "10.0.0.2", "http=7003", "a.txt 5");
        _world.Kill("CS1");
        Reply reply = _world.Ask("/a.txt?not=CS2");
        Assert.Equal(503, reply.Status);
        Assert.Equal("5", reply["Retry-After"]);
        Assert.Equal("No server can deliver this file now: CS1: a monitor heard nothing from it; "
            + "CS2: you asked for another one.\n", reply.Body);
        Assert.Equal(503, _world.Ask("/a.txt.meta4?not=CS2").Status);
        Assert.Equal(302, _world.Ask("/a.txt").Status);
    }

    [Fact]
    public void What_is_published_and_no_server_has_told_of_is_to_be_asked_for_again()
    {
        _world.Index.Router.Catalog.Publish(
            "p.txt"u8, new PublishedName(1, new FileState(5, Lists.Digest("x"), 7), 0));
        foreach (string target in new[] { "/p.txt", "/p.txt.meta4", "/p.txt.sha256" })
        {
            Reply reply = _world.Ask(target);
            Assert.Equal(503, reply.Status);
            Assert.Equal("5", reply["Retry-After"]);
            Assert.Equal("This file is published, and no server has told yet that it has it.\n", reply.Body);
        }
        _world.Index.Router.Catalog.Retract("p.txt"u8);
        Assert.Equal(404, _world.Ask("/p.txt").Status);
    }

    [Fact]
    public void A_suspect_that_speaks_HTTP_is_asked_behind_a_well_server_whose_bytes_are_passed_on()
    {
        _world.Register("CS1", "10.0.0.1", "http=7003", "a.txt 5");
        _world.Register("CS2", "10.0.0.2", "", "a.txt 5");
        Assert.Equal("http://10.0.0.1:7003/a.txt", _world.Ask("/a.txt", method: "HEAD")["Location"]);
        _world.Index.Ask("HELLO 2\nREPORT a.txt CS1 stall\n");
        Assert.Equal(200, _world.Ask("/a.txt", method: "HEAD").Status);
        Assert.Contains("2. CS1, score ", _world.Ask("/a.txt?why").Body, StringComparison.Ordinal);
        Assert.Contains("suspect (clients report it: stall)", _world.Ask("/a.txt?why").Body, StringComparison.Ordinal);
        // Where nobody is well, who speaks HTTP comes first again.
        _world.Kill("CS2");
        Assert.Equal("http://10.0.0.1:7003/a.txt", _world.Ask("/a.txt", method: "HEAD")["Location"]);
    }

    [Theory]
    [InlineData("not=CS1", "10.0.0.2")]
    [InlineData("x&not=%43S1&not=CS2", "10.0.0.2")]
    [InlineData("not=CS2", "10.0.0.1")]
    [InlineData("not=", "10.0.0.1")]
    [InlineData("not=two%20words", "10.0.0.1")]
    [InlineData("note=CS1", "10.0.0.1")]
    public void A_client_may_ask_for_another_server_this_once(string query, string host)
    {
        _world.Register("CS1", "10.0.0.1", "http=7003", "a.txt 5");
        _world.Register("CS2", "10.0.0.2", "http=7003", "a.txt 5");
        _world.Index.Ask("UPDATE_LOAD CS2 1\n");
        Assert.Equal($"http://{host}:7003/a.txt?{query}", _world.Ask($"/a.txt?{query}", method: "HEAD")["Location"]);
        Assert.Equal("http://10.0.0.1:7003/a.txt", _world.Ask("/a.txt", method: "HEAD")["Location"]);
    }

    [Theory]
    [InlineData("x.sha256")]
    [InlineData("x.meta4")]
    [InlineData("healthz")]
    [InlineData("readyz")]
    public void A_file_of_the_library_wins_over_a_question_of_the_same_name(string name)
    {
        _world.Register("CS1", "10.0.0.1", "http=7003", $"{name} 5", "x 5");
        Assert.Equal($"http://10.0.0.1:7003/{name}", _world.Ask($"/{name}")["Location"]);
        Assert.Contains("<file name=", _world.Ask($"/{name}.meta4").Body, StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_is_behind_says_so_and_answers_all_the_same()
    {
        _world.Register("CS1", "10.0.0.1", "http=7003");
        _world.Index.Behind = TimeSpan.FromSeconds(9.2);
        foreach (string page in new[] { "/healthz", "/readyz" })
        {
            Assert.Equal(200, _world.Ask(page).Status);
            Assert.StartsWith("ok, but behind: for 9 s ", _world.Ask(page).Body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void It_is_healthy_at_once_and_ready_when_somebody_registered()
    {
        Assert.Equal((200, "ok\n"), (_world.Ask("/healthz").Status, _world.Ask("/healthz").Body));
        Assert.Equal(503, _world.Ask("/readyz").Status);
        _world.Register("CS1", "10.0.0.1", "http=7003");
        Assert.Equal(200, _world.Ask("/readyz").Status);
    }

    [Theory]
    [InlineData("OPTIONS", "/a.txt", 204)]
    [InlineData("OPTIONS", "*", 204)]
    [InlineData("POST", "/a.txt", 405)]
    [InlineData("DELETE", "/a.txt", 405)]
    public void Other_methods_are_told_what_may_be_asked(string method, string target, int status)
    {
        Reply reply = _world.Ask(target, method: method);
        Assert.Equal((status, "GET, HEAD, OPTIONS"), (reply.Status, reply["Allow"]));
    }
}
