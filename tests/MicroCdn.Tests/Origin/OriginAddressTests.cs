using System.Net;
using MicroCdn.Origin;

namespace MicroCdn.Tests.Origin;

/// <summary>Where an origin may be.</summary>
public sealed class OriginAddressTests
{
    [Theory]
    [InlineData("http://Origin.Example", "origin.example 80 '' origin.example")]
    [InlineData("HTTPS://origin.example/", "origin.example 443 '' origin.example")]
    [InlineData("https://origin.example:8443/a/b/", "origin.example 8443 '/a/b' origin.example:8443")]
    [InlineData("http://origin.example:80", "origin.example 80 '' origin.example")]
    [InlineData("http://[::1]:8080/a%20b", "::1 8080 '/a%20b' [::1]:8080")]
    [InlineData("http://127.0.0.1/x@y", "127.0.0.1 80 '/x@y' 127.0.0.1")]
    public void A_URL_says_where_an_origin_is(string url, string meaning)
    {
        Assert.True(OriginAddress.TryParse(url, out OriginAddress? address, out string? wrong), wrong);
        Assert.Equal(meaning, $"{address!.Host} {address.Port} '{address.BasePath}' {address.Authority}");
    }

    [Theory]
    [InlineData("", "http://")]
    [InlineData("origin.example", "http://")]
    [InlineData("ftp://origin.example", "http://")]
    [InlineData("http:origin.example", "http://")]
    [InlineData("http://", "no host")]
    [InlineData("http:///a", "no host")]
    [InlineData("http://a b/", "spaces")]
    [InlineData("http://a\\b/", "'\\'")]
    [InlineData("http://a\r\nX: y/", "spaces")]
    [InlineData("http://u:p@origin.example/", "user")]
    [InlineData("http://@origin.example/", "user")]
    [InlineData("http://origin.example/?a", "query")]
    [InlineData("http://origin.example?a", "query")]
    [InlineData("http://origin.example/#a", "fragment")]
    [InlineData("http://origin.example:0/", "port")]
    [InlineData("http://origin.example:70000/", "host")]
    [InlineData("http://origin.example/%2e%2E/a", "dots")]
    public void What_cannot_be_used_is_refused_with_a_sentence(string url, string why)
    {
        Assert.False(OriginAddress.TryParse(url, out _, out string? wrong));
        Assert.StartsWith("The origin '", wrong, StringComparison.Ordinal);
        Assert.Contains(why, wrong, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("192.168.0.1", true)]
    [InlineData("fd00::1", true)]
    [InlineData("93.184.216.34", true)]
    [InlineData("169.254.169.254", false)]
    [InlineData("::ffff:169.254.169.254", false)]
    [InlineData("64:ff9b::a9fe:a9fe", false)]
    [InlineData("64:ff9b::5db8:d822", true)]
    [InlineData("fe80::1", false)]
    [InlineData("febf::1", false)]
    [InlineData("fd00:ec2::254", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("0.1.2.3", false)]
    [InlineData("::", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("ff02::1", false)]
    public void Nobody_is_led_to_an_address_that_no_operator_means(string address, bool isAllowed)
    {
        IPAddress parsed = IPAddress.Parse(address);
        Assert.Equal(isAllowed, new AddressRules([]).Allows(parsed));
        IPNetwork[] all = [IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("::/0")];
        Assert.True(new AddressRules(all).Allows(parsed));
    }
}
