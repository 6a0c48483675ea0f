using System.Net;
using MicroCdn.Gateway;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Gateway;

/// <summary>Whom X-Forwarded-For is believed.</summary>
public sealed class AskersTests
{
    private static readonly Askers Believing = new([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("2001:db8::/32")]);

    [Theory]
    [InlineData("192.0.2.1", "", "192.0.2.1")]
    [InlineData("192.0.2.1", "198.51.100.7", "192.0.2.1")]
    [InlineData("127.0.0.1", "198.51.100.7", "127.0.0.1")]
    [InlineData("10.0.0.1", "198.51.100.7", "198.51.100.7")]
    [InlineData("10.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7")]
    [InlineData("10.0.0.1", "6.6.6.6, 198.51.100.7, 10.0.0.2", "198.51.100.7")]
    [InlineData("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3")]
    [InlineData("10.0.0.1", "198.51.100.7:1234", "198.51.100.7")]
    [InlineData("10.0.0.1", "[2001:db9::7]:1234", "2001:db9::7")]
    [InlineData("2001:db8::1", "2001:db9::7", "2001:db9::7")]
    [InlineData("10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7")]
    [InlineData("10.0.0.1", "198.51.100.7, unknown", "10.0.0.1")]
    [InlineData("10.0.0.1", "198.51.100.7, unknown, 10.0.0.2", "10.0.0.2")]
    [InlineData("10.0.0.1", "198.51.100.7,", "10.0.0.1")]
    [InlineData("10.0.0.1", "", "10.0.0.1")]
    public void The_client_is_the_last_that_is_no_proxy(string remote, string forwarded, string expected)
    {
        string field = forwarded.Length == 0 ? "" : $"X-Forwarded-For: {forwarded}\r\n";
        Assert.Equal(IPAddress.Parse(expected), Read(remote, "10.0.0.9", field).Address);
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.2", "", true)]
    [InlineData("2001:db9::1", "2001:db9::2", "", false)]
    [InlineData("10.0.0.1", "10.0.0.9", "X-Forwarded-For: 2001:db9::7\r\n", false)]
    [InlineData("2001:db8::1", "2001:db8::2", "X-Forwarded-For: 192.0.2.1\r\n", true)]
    public void The_family_is_that_of_the_client(string remote, string local, string field, bool overIPv4) =>
        Assert.Equal(overIPv4, Read(remote, local, field).OverIPv4);

    private static Asker Read(string remote, string local, string field)
    {
        RequestParser.Parse(GatewayWorld.Request("/a", field).Utf8(), out Request request, out Refusal? refusal);
        Assert.Null(refusal);
        return Believing.Of(request, Peer.From(remote, local), null);
    }
}
