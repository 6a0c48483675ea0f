using System.CommandLine;
using System.Net;
using MicroCdn.Gateway;
using MicroCdn.Verbs;

namespace MicroCdn.Tests.Executable;

public sealed class GatewayFlagsTests
{
    [Fact]
    public void What_the_flags_say_is_what_the_gateway_is_told()
    {
        GatewayOptions options = Read("--proxy", "10.0.0.0/8", "--proxy", "192.0.2.7", "--no-relay");
        Assert.Equal(["10.0.0.0/8", "192.0.2.7/32"], options.Proxies.Select(network => network.ToString()));
        Assert.False(options.Relays);
        Assert.Equal((8080, null), (options.HttpPort, options.HttpsPort));
    }

    [Fact]
    public void Without_flags_nobody_is_believed_and_files_are_passed_on()
    {
        GatewayOptions options = Read();
        Assert.Empty(options.Proxies);
        Assert.True(options.Relays);
    }

    private static GatewayOptions Read(params string[] args)
    {
        GatewayFlags flags = new();
        Command verb = new("index");
        flags.AddTo(verb);
        ParseResult parsed = verb.Parse(args);
        Assert.Empty(parsed.Errors);
        return flags.Read(parsed, IPAddress.Any, new WebPorts(8080, null, null, null));
    }
}
