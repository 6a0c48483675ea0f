using System.CommandLine;
using System.Net;
using MicroCdn.Index;
using MicroCdn.Verbs;
using MonitorAddress = MicroCdn.Content.MonitorAddress;

namespace MicroCdn.Tests.Executable;

// Issue 2: "an unknown flag or a malformed number at start: one sentence that says what to do, exit code 2".
public sealed class FlagsTests
{
    [Theory]
    [InlineData("1", 1)]
    [InlineData("5050", 5050)]
    [InlineData("65535", 65535)]
    public void A_port_is_read(string text, int port) =>
        Assert.Equal(port, Value(Flags.Port("--port", 7, "x"), "--port", text));

    [Theory]
    [InlineData("10.0.0.6:6001", "10.0.0.6", 6001, 6000)]
    [InlineData("mon.example.org:6101:6100", "mon.example.org", 6101, 6100)]
    [InlineData("[2001:db8::6]:6001", "2001:db8::6", 6001, 6000)]
    [InlineData("[2001:db8::6]:6001:6002", "2001:db8::6", 6001, 6002)]
    public void A_monitor_is_read(string text, string host, int tcp, int udp) => Assert.Equal(
        [new MonitorAddress(host, tcp, udp)], Value(Flags.Monitors("x"), "--monitor", text)!);

    [Theory]
    [InlineData("10.0.0.6")]
    [InlineData("10.0.0.6:")]
    [InlineData(":6001")]
    [InlineData("[]:6001")]
    [InlineData("2001:db8::6:6001")]
    [InlineData("[2001:db8::6]6001")]
    [InlineData("10.0.0.6:6001:6000:5")]
    [InlineData("10.0.0.6:6001:")]
    [InlineData("10.0.0.6:0")]
    public void A_monitor_without_its_port_is_one_sentence(string text) => Assert.Equal(
        [$"--monitor wants HOST:TCP or HOST:TCP:UDP, such as 10.0.0.6:6001, not '{text}'."],
        Errors(Flags.Monitors("x"), "--monitor", text));

    [Fact]
    public void A_flag_left_out_has_its_default()
    {
        Assert.Equal(7, Value(Flags.Port("--port", 7, "x")));
        Assert.Equal(TimeSpan.FromSeconds(8), Value(Flags.Seconds("--timeout", 8, "x")));
        Assert.Equal(IPAddress.Any, Value(Flags.Bind()));
        Assert.Empty(Value(Flags.Trust())!);
        Assert.Equal("localhost", Value(Flags.Host("--index-host", "x")));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData("+5")]
    [InlineData("5050x")]
    [InlineData("9223372036854775808")]
    [InlineData("0x10")]
    [InlineData("")]
    public void A_port_out_of_range_is_one_sentence(string text) =>
        Assert.Equal([$"--port wants a port from 1 to 65535, not '{text}'."],
            Errors(Flags.Port("--port", 7, "x"), "--port", text));

    [Theory]
    [InlineData("8", 8)]
    [InlineData("0.5", 0.5)]
    [InlineData("0.001", 0.001)]
    [InlineData("86400", 86400)]
    [InlineData("24h", 86400)]
    [InlineData("8s", 8)]
    [InlineData("100ms", 0.1)]
    public void Seconds_are_read(string text, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Value(Flags.Seconds("--timeout", 8, "x"), "--timeout", text));

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("86400.1")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("1e3")]
    [InlineData("1,5")]
    [InlineData("8 s")]
    [InlineData("25h")]
    [InlineData("0.0001")]
    [InlineData("0.00000000001")]
    public void Seconds_that_no_clock_can_count_are_one_sentence(string text) =>
        Assert.Contains($"not '{text}'.", Assert.Single(Errors(Flags.Seconds("--timeout", 8, "x"), "--timeout", text)),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("1", 1)]
    [InlineData("1000", 1000)]
    public void A_number_within_its_bounds_is_read(string text, int number) =>
        Assert.Equal(number, Value(Flags.Number("--weight", 100, 1, 1000, "x"), "--weight", text));

    [Theory]
    [InlineData("0")]
    [InlineData("1001")]
    [InlineData("-1")]
    [InlineData("much")]
    public void A_number_out_of_its_bounds_is_one_sentence(string text) =>
        Assert.Equal([$"--weight wants a number from 1 to 1000, not '{text}'."],
            Errors(Flags.Number("--weight", 100, 1, 1000, "x"), "--weight", text));

    [Fact]
    public void A_text_of_the_wrong_kind_is_one_sentence_and_one_left_out_is_none()
    {
        Option<string?> country = Flags.Text("--country", "CC", "x", "two letters", text => text.Length == 2);
        Assert.Equal("de", Value(country, "--country", "de"));
        Assert.Null(Value(country));
        Assert.Equal(["--country wants two letters, not 'deu'."], Errors(country, "--country", "deu"));
    }

    [Fact]
    public void Networks_to_trust_add_up_and_an_address_alone_is_a_network_of_one()
    {
        IPNetwork[] networks = Value(
            Flags.Trust(), "--trust", "10.0.0.0/8", "--trust", "192.0.2.7", "--trust", "2001:db8::1")!;
        Assert.Equal(["10.0.0.0/8", "192.0.2.7/32", "2001:db8::1/128"], networks.Select(network => network.ToString()));
    }

    [Theory]
    [InlineData("10.0.0.0/33")]
    [InlineData("everyone")]
    public void What_is_no_network_is_one_sentence(string text) => Assert.StartsWith("--trust wants a network",
        Assert.Single(Errors(Flags.Trust(), "--trust", text)), StringComparison.Ordinal);

    [Theory]
    [InlineData("nowhere")]
    [InlineData("1.2.3.4.5")]
    public void What_is_no_address_is_one_sentence(string text) => Assert.StartsWith("--bind wants an IP address",
        Assert.Single(Errors(Flags.Bind(), "--bind", text)), StringComparison.Ordinal);

    [Fact]
    public void Networks_with_zones_add_up_and_a_file_of_countries_is_a_path()
    {
        (RoutingFlags flags, Command verb) = Routing();
        ParseResult parsed = verb.Parse(
            "--zone-network 10.1.0.0/16=berlin --zone-network 2001:db8::7=lab=2 --geo countries.mmdb");
        Assert.Empty(parsed.Errors);
        IndexOptions options = flags.Read(parsed);
        Assert.Equal(["10.1.0.0/16 berlin", "2001:db8::7/128 lab=2"],
            options.ZoneNetworks.Select(row => $"{row.Network} {row.Zone}"));
        Assert.Equal("countries.mmdb", options.CountryFile);
        options = flags.Read(verb.Parse(""));
        Assert.Empty(options.ZoneNetworks);
        Assert.Null(options.CountryFile);
    }

    [Theory]
    [InlineData("10.1.0.0/16")]
    [InlineData("10.1.0.0/16=")]
    [InlineData("=berlin")]
    [InlineData("berlin=10.1.0.0/16")]
    [InlineData("10.1.0.0/33=berlin")]
    public void What_is_no_network_with_a_zone_is_one_sentence(string text) => Assert.Equal(
        [$"--zone-network wants a network and its zone, such as 10.1.0.0/16=berlin, not '{text}'."],
        Routing().Verb.Parse(["--zone-network", text]).Errors.Select(error => error.Message));

    private static (RoutingFlags Flags, Command Verb) Routing()
    {
        RoutingFlags flags = new();
        RootCommand verb = new();
        flags.AddTo(verb);
        return (flags, verb);
    }

    private static T? Value<T>(Option<T> option, params string[] args)
    {
        ParseResult parsed = new RootCommand { option }.Parse(args);
        Assert.Empty(parsed.Errors);
        return parsed.GetValue(option);
    }

    private static string[] Errors<T>(Option<T> option, params string[] args) =>
        [.. new RootCommand { option }.Parse(args).Errors.Select(error => error.Message)];
}
