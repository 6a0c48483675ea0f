using System.Net;
using System.Security.Cryptography;
using System.Text;
using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Client;

// The pages of docs/http.md, as a client reads them.
public sealed class GatewayFinderTests
{
    private const string Sha = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

    private static readonly Uri Self = new("http://gw/x");

    private const string Page = $$"""
        {"name":"a b","size":1048577,"sha256":"{{Sha}}","url":"http://h1:1/a%20b","servers":[
        {"id":"CS1","urls":["http://h1:1/a%20b","https://h1:2/a%20b"],"excluded":null},
        {"id":"CS2","urls":[],"excluded":null},
        {"id":"CS3","urls":["http://h3:1/a%20b"],"excluded":"it is dead"},
        {"id":"CS4","urls":["ftp://h4/a%20b","http://h4:1/a%20b"],"excluded":null}]}
        """;

    [Fact]
    public void The_servers_that_may_get_clients_are_read_with_size_and_digest()
    {
        Location location = GatewayFinder.Read(Encoding.UTF8.GetBytes(Page), [], Self)!;
        Assert.Equal((1048577, Sha), (location.Size, location.Digest.ToString()));
        Assert.Equal(["CS1 at http://h1:1", "CS4 at http://h4:1"],
            location.Holders.Select(holder => holder.ToString()));
        Assert.Equal(["CS4", "CS1"],
            GatewayFinder.Read(Encoding.UTF8.GetBytes(Page), ["CS1"], Self)!.Holders.Select(holder => holder.Id));
    }

    [Fact]
    public void A_file_that_only_the_gateway_passes_on_is_asked_of_the_gateway()
    {
        const string page = $$"""
            {"size":1048577,"sha256":"{{Sha}}","chunks":"{{Sha}}","url":null,"relayed":true,
            "servers":[{"id":"CS1","urls":[]}]}
            """;
        Location location = GatewayFinder.Read(Encoding.UTF8.GetBytes(page), [], Self)!;
        Assert.Equal("http://gw/x", Assert.Single(location.Holders).Key);
        // It has the whole alone, which the file's digest verifies.
        Assert.Equal((Sha, false), (location.Digest.ToString(), location.HasChunks));
        const string nobody = """{"size":5,"sha256":null,"url":null,"relayed":false,"servers":[]}""";
        Assert.Null(GatewayFinder.Read(Encoding.UTF8.GetBytes(nobody), [], Self));
    }

    [Fact]
    public async Task What_is_wrong_with_a_server_is_told_to_the_gateway_and_what_comes_of_it_is_nothing()
    {
        List<string> said = [];
        using HttpPeers peers = new();
        peers.Add("gw", request =>
        {
            said.Add($"{request.Method} {request.RequestUri!.PathAndQuery}");
            return said.Count > 1 ? throw new HttpRequestException("gone")
                : new HttpResponseMessage(HttpStatusCode.NoContent);
        });
        using HttpFiles http = new(peers);
        GatewayFinder finder = new(new Uri("http://gw/"), http, TimeProvider.System, TimeSpan.FromSeconds(10));
        foreach (string server in (string[])["CS1", "C S", "gateway"])
        {
            await finder.ReportAsync(Names.Of("a/b c"), server, "wrong", TestContext.Current.CancellationToken);
        }
        Assert.Equal(["POST /a/b%20c?report=wrong&server=CS1", "POST /a/b%20c?report=wrong&server=C%20S"], said);
    }

    [Fact]
    public void The_pieces_of_the_Metalink_are_the_chunks_when_they_are_mebibytes()
    {
        Location location = GatewayFinder.Read(Encoding.UTF8.GetBytes(Page), [], Self)!;
        byte[] one = SHA256.HashData("1"u8), two = SHA256.HashData("2"u8);
        Location with = GatewayFinder.WithPieces(location, Metalink(Chunks.Bytes, one, two));
        Assert.True(with.HasChunks);
        Assert.Equal([.. one, .. two], with.Chunks!.Bytes.ToArray());
        Assert.False(GatewayFinder.WithPieces(location, Metalink(Chunks.Bytes, one)).HasChunks);
        Assert.False(GatewayFinder.WithPieces(location, Metalink(262144, one, two)).HasChunks);
        // Pieces beside another digest are of another version.
        Location replaced = location with { Digest = new FileDigest(one) };
        Assert.Equal(replaced, GatewayFinder.WithPieces(replaced, Metalink(Chunks.Bytes, one, two)));
        Location told = replaced with { Root = Chunks.RootOf([.. one, .. two]) };
        Assert.NotNull(GatewayFinder.WithPieces(told, Metalink(Chunks.Bytes, one, two)).Chunks);
        // A root that the JSON tells is believed more than the pieces.
        Location rooted = location with { Root = Chunks.RootOf(one) };
        Assert.Null(GatewayFinder.WithPieces(rooted, Metalink(Chunks.Bytes, one, two)).Chunks);
    }

    [Fact]
    public void A_page_that_is_cut_anywhere_is_no_page()
    {
        byte[] page = Encoding.UTF8.GetBytes(Page);
        for (int length = 0; length < page.Length - 1; length++)
        {
            Assert.Throws<InvalidDataException>(() => GatewayFinder.Read(page.AsMemory(0, length), [], Self));
        }
    }

    private static byte[] Metalink(int length, params byte[][] pieces) => Encoding.UTF8.GetBytes($"""
        <?xml version="1.0" encoding="UTF-8"?>
        <metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="a b"><hash type="sha-256">{Sha}</hash>
        <pieces length="{length}" type="sha-256">
        {string.Join('\n', pieces.Select(piece => $"<hash>{Convert.ToHexStringLower(piece)}</hash>"))}
        </pieces></file></metalink>
        """);
}
