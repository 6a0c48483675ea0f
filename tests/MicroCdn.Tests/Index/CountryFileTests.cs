using System.Net;
using MicroCdn.Index;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index;

public sealed class CountryFileTests : IDisposable
{
    private static readonly byte[] Nested = CountryFiles.Nested(("192.0.2.0/24", "DE", "EU"),
        ("192.0.2.128/25", "FR", "EU"), ("198.51.100.0/24", "TR", "AS"), ("2001:db8::/32", "CA", ""));

    private static readonly byte[] Flat = CountryFiles.Flat(("192.0.2.0/24", "DE"), ("192.0.2.128/25", "FR"),
        ("198.51.100.0/24", "TR"), ("2001:db8::/32", "CA"));

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly LogBook _log = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("192.0.2.1", "DE", "EU")]
    [InlineData("192.0.2.200", "FR", "EU")]
    [InlineData("198.51.100.7", "TR", "AS")]
    [InlineData("2001:db8::7", "CA", "NA")]
    [InlineData("203.0.113.1", null, null)]
    [InlineData("2001:db9::7", null, null)]
    public void Both_shapes_of_the_file_tell_the_country_and_the_table_the_continent(
        string address, string? country, string? continent)
    {
        foreach (byte[] bytes in new[] { Nested, Flat })
        {
            Locations locations = new([], new CountryFile(new MemoryStream(bytes)));
            Place place = locations.PlaceOf(IPAddress.Parse(address));
            Assert.Equal((country, continent), (place.Country, place.Continent));
            // The second time from memory.
            Assert.Equal(place, locations.PlaceOf(IPAddress.Parse(address)));
        }
    }

    [Fact]
    public void A_continent_that_the_file_tells_beats_the_table()
    {
        CountryFile file = new(new MemoryStream(CountryFiles.Nested(("192.0.2.0/24", "TR", "EU"))));
        Assert.Equal("EU", new Locations([], file).PlaceOf(IPAddress.Parse("192.0.2.1")).Continent);
    }

    // The reader would look up the first 32 bits of an IPv6 address, here 192.0.2.0.
    [Fact]
    public void A_file_for_IPv4_alone_knows_nothing_of_IPv6_addresses()
    {
        CountryFile file = new(new MemoryStream(CountryFiles.FlatIPv4(("192.0.2.0/24", "DE"))));
        Assert.Equal(("DE", null), file.Find(IPAddress.Parse("192.0.2.1")));
        Assert.Equal((null, null), file.Find(IPAddress.Parse("192.0.3.1")));
        Assert.Equal((null, null), file.Find(IPAddress.Parse("c000:200::1")));
    }

    [Fact]
    public void A_file_without_countries_is_refused()
    {
        byte[] networks = CountryFiles.Of(("192.0.2.0/24",
            CountryFiles.Map(("organization", "Somebody"))));
        InvalidDataException refusal = Assert.Throws<InvalidDataException>(
            () => new CountryFile(new MemoryStream(networks)));
        Assert.Contains("it tells no countries", refusal.Message, StringComparison.Ordinal);
    }

    // Whatever the operator's file looks like, it may cost a sentence and never the process.
    [Fact]
    public void A_damaged_file_is_refused_or_tells_nothing_wherever_the_damage_is()
    {
        for (int length = 0; length < Nested.Length; length++) Try(Nested[..length]);
        for (int at = 0; at < Nested.Length; at++)
        {
            byte[] damaged = [.. Nested];
            damaged[at] ^= 0xFF;
            Try(damaged);
        }

        static void Try(byte[] bytes)
        {
            try
            {
                CountryFile file = new(new MemoryStream(bytes));
                file.Find(IPAddress.Parse("192.0.2.1"));
                file.Find(IPAddress.Parse("2001:db8::7"));
            }
            catch (InvalidDataException)
            {
                // One sentence.
            }
        }
    }

    [Theory]
    [InlineData("missing", "there is no such file")]
    [InlineData("folder", "it is no regular file")]
    [InlineData("text", "no country file")]
    public void A_file_that_cannot_be_used_at_the_start_is_one_sentence(string name, string reason)
    {
        Directory.CreateDirectory(_folder["folder"]);
        _folder.Write("text", "192.0.2.0/24 DE");
        UnusableCountryFileException refusal = Assert.Throws<UnusableCountryFileException>(
            () => new CountryWatch(_folder[name], new Fleet(_time), _time, _log));
        Assert.StartsWith($"the country file '{_folder[name]}' cannot be used: ", refusal.Message,
            StringComparison.Ordinal);
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Fact]
    public async Task A_file_that_changes_is_read_again_and_a_broken_one_leaves_the_one_before()
    {
        Fleet fleet = new(_time, new Locations([]));
        Write(CountryFiles.Flat(("192.0.2.0/24", "DE")));
        CountryWatch watch = new(_folder["geo"], fleet, _time, _log);
        Server server = fleet.Enlist(Names.Id("CS1"))!;
        fleet.Registered(server, new Contact(server.Id, IPAddress.Parse("192.0.2.9"), 1, 2));
        using CancellationTokenSource stop = new();
        Task running = watch.RunAsync(stop.Token);
        Assert.Equal(("DE", "DE"), Countries());

        Write(CountryFiles.Flat(("192.0.2.0/24", "US")));
        Look();
        Assert.Equal(("US", "US"), Countries());
        int said = _log.Lines.Length;
        Look();
        Assert.Equal(said, _log.Lines.Length);

        Write("nonsense".Utf8());
        Look();
        Look();
        Assert.Equal(("US", "US"), Countries());
        File.Delete(_folder["geo"]);
        Look();
        Look();
        Assert.Equal(("US", "US"), Countries());
        Assert.Equal(2, _log.Lines.Count(line => line.Contains("the one before stays", StringComparison.Ordinal)));

        Write(CountryFiles.Flat(("192.0.2.0/24", "FR")));
        Look();
        Assert.Equal(("FR", "FR"), Countries());
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);

        (string?, string?) Countries() =>
            (fleet.Locations.PlaceOf(IPAddress.Parse("192.0.2.1")).Country, server.Contact!.Place.Country);
        void Look() => _time.Advance(TimeSpan.FromSeconds(5));
        void Write(byte[] bytes)
        {
            File.WriteAllBytes(_folder["new"], bytes);
            File.Move(_folder["new"], _folder["geo"], overwrite: true);
        }
    }

    [Fact]
    public void The_settings_of_the_index_reach_its_routing()
    {
        File.WriteAllBytes(_folder["geo"], CountryFiles.Flat(("192.0.2.0/24", "DE")));
        IndexOptions options = new()
        {
            CountryFile = _folder["geo"],
            ZoneNetworks = [new ZoneNetwork(IPNetwork.Parse("192.0.2.128/25"), "lab")],
        };
        FileDirectory directory = new IndexRole(options, new TcpDialer(_time), _time, new Random(1), _log).Directory;
        Assert.Equal(new Location(null, "DE", "EU"), directory.Locate(IPAddress.Parse("192.0.2.1")));
        Assert.Equal(new Location("lab", "DE", "EU"), directory.Locate(IPAddress.Parse("192.0.2.129")));
    }

    [Fact]
    public void Every_country_of_the_table_has_one_continent()
    {
        Assert.Equal(250, Continents.Countries.Count());
        Assert.All(Continents.Countries, country => Assert.NotNull(new Place(0, country, null).Continent));
        Assert.Equal(("DE", "EU"), (new Place(0, "de", null).Country, new Place(0, "de", null).Continent));
        Assert.Equal(default, new Place(0, "ZZ", "QQ"));
        Assert.Equal(default, new Place(0, "Germany", null));
    }
}
