using System.Net;

namespace MicroCdn.Index;

/// <summary>Where clients and servers are, by zones, countries and continents.</summary>
/// <remarks>A client's place is asked for on the read path: what was found is remembered, so that a lookup in the
/// country file happens once for an address that comes again, and nothing is allocated then.</remarks>
internal sealed class Locations
{
    // Addresses that want the same place in the memory push one another out; a stranger with many addresses costs
    // lookups, never memory.
    private const int Remembered = 4096;

    private readonly ZoneNetworks _zones;
    private Known _known;

    public Locations(IEnumerable<ZoneNetwork> zones, CountryFile? countries = null)
    {
        _zones = new ZoneNetworks(zones);
        _known = new Known(countries);
    }

    /// <summary>Knows nothing.</summary>
    public static Locations None { get; } = new([]);

    /// <summary>True when the settings say anything about places.</summary>
    public bool AreKnown => !_zones.IsEmpty || Volatile.Read(ref _known).Countries is not null;

    /// <summary>The country file; a new one forgets what the old one said.</summary>
    public CountryFile? Countries
    {
        get => Volatile.Read(ref _known).Countries;
        set => Volatile.Write(ref _known, new Known(value));
    }

    /// <summary>Where a client is. Allocates nothing for an address that came lately.</summary>
    public Place PlaceOf(IPAddress? address)
    {
        if (address is null) return default;
        Known known = Volatile.Read(ref _known);
        ref Finding? slot = ref known.Findings[(uint)address.GetHashCode() % Remembered];
        if (Volatile.Read(ref slot) is { } finding && finding.Address.Equals(address)) return finding.Place;
        Place place = Find(address, known.Countries);
        Volatile.Write(ref slot, new Finding(address, place));
        return place;
    }

    /// <summary>Where a server is: what it says of itself counts, and where it says nothing, its address.</summary>
    public Place PlaceOf(Contact contact)
    {
        if (!AreKnown) return default;
        (string? country, string? continent) = (contact.Country, null);
        if (country is null && Countries is { } countries) (country, continent) = countries.Find(contact.Address);
        return new Place(contact.Zone is { } zone ? _zones.Of(zone) : _zones.Of(contact.Address), country, continent);
    }

    /// <summary>The name of a place's zone; null when it is in none.</summary>
    public string? ZoneOf(Place place) => _zones.NameOf(place.Zone);

    private Place Find(IPAddress address, CountryFile? countries)
    {
        (string? country, string? continent) = countries?.Find(address) ?? default;
        return new Place(_zones.Of(address), country, continent);
    }

    private sealed record Known(CountryFile? Countries)
    {
        public Finding?[] Findings { get; } = new Finding?[Remembered];
    }

    private sealed record Finding(IPAddress Address, Place Place);
}
