using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MicroCdn.Client;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Client;

// The pages of docs/http.md, as a client reads them.
public sealed class GatewayFinderTests
{
    private const string Sha = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

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
        Location location = GatewayFinder.Read(Encoding.UTF8.GetBytes(Page), [])!;
        Assert.Equal((1048577, Sha), (location.Size, location.Digest.ToString()));
        Assert.Equal(["CS1 at http://h1:1", "CS4 at http://h4:1"],
            location.Holders.Select(holder => holder.ToString()));
        Assert.Equal(["CS4", "CS1"],
            GatewayFinder.Read(Encoding.UTF8.GetBytes(Page), ["CS1"])!.Holders.Select(holder => holder.Id));
    }

    [Fact]
    public void A_file_that_only_the_gateway_passes_on_is_asked_of_the_gateway()
    {
        const string page = """{"size":5,"sha256":null,"url":"http://gw/x","relayed":true,"servers":[]}""";
        Location location = GatewayFinder.Read(Encoding.UTF8.GetBytes(page), [])!;
        Assert.Equal("http://gw/x", Assert.Single(location.Holders).Key);
        Assert.False(location.HasChunks);
        Assert.Null(GatewayFinder.Read("""{"size":5,"sha256":null,"url":null,"servers":[]}"""u8.ToArray(), []));
    }

    [Fact]
    public void The_pieces_of_the_Metalink_are_the_chunks_when_they_are_mebibytes()
    {
        Location location = GatewayFinder.Read(Encoding.UTF8.GetBytes(Page), [])!;
        byte[] one = SHA256.HashData("1"u8), two = SHA256.HashData("2"u8);
        Location with = GatewayFinder.WithPieces(location, Metalink(Chunks.Bytes, one, two));
        Assert.True(with.HasChunks);
        Assert.Equal([.. one, .. two], with.Chunks!.Bytes.ToArray());
        Assert.False(GatewayFinder.WithPieces(location, Metalink(Chunks.Bytes, one)).HasChunks);
        Assert.False(GatewayFinder.WithPieces(location, Metalink(262144, one, two)).HasChunks);
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
            Assert.ThrowsAny<JsonException>(() => GatewayFinder.Read(page.AsMemory(0, length), []));
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
