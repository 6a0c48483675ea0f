using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using MaxMind.Db;

namespace MicroCdn.Index;

/// <summary>A country file in MaxMind's format, held in memory: which country an address is in.</summary>
/// <remarks>
/// Read whole, not mapped: a mapped file that somebody truncates takes the process with it. Both shapes are understood,
/// MaxMind's (<c>country.iso_code</c>, <c>continent.code</c>) and the flat one of the CC0 files (<c>country_code</c>,
/// and where it stands, <c>continent_code</c>).
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "Somebody may be looking in it; it owns memory alone.")]
internal sealed class CountryFile
{
    // A country file has its first country within a few networks; a file of something else never has.
    private const int NetworksTried = 10_000;

    private readonly Reader _reader;

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is no such file, or there is no country in it.</exception>
    public CountryFile(Stream file)
    {
        try
        {
            _reader = new Reader(file);
            bool hasCountry = _reader.FindAll<Dictionary<string, object>>()
                .Take(NetworksTried).Any(node => CountryIn(node.Data) is not null);
            if (!hasCountry) throw new InvalidDataException($"it tells no countries (its type is '{Type}')");
        }
        catch (Exception exception) when (exception is not (InvalidDataException or IOException))
        {
            // A damaged file makes the reader stumble in many ways.
            throw new InvalidDataException("it is no country file in MaxMind's format, or it is damaged", exception);
        }
    }

    /// <summary>What the file calls itself.</summary>
    public string Type => _reader.Metadata.DatabaseType;

    /// <summary>The country of an address, and its continent where the file tells it; two letters each, or
    /// null.</summary>
    public (string? Country, string? Continent) Find(IPAddress address)
    {
        // Of an IPv6 address an IPv4 file would look up the first 32 bits, and tell another's country.
        if (_reader.Metadata.IPVersion == 4 && address.AddressFamily == AddressFamily.InterNetworkV6) return default;
        try
        {
            Dictionary<string, object>? found = _reader.Find<Dictionary<string, object>>(address);
            return (CountryIn(found), Text(found, "continent", "code") ?? Text(found, "continent_code"));
        }
        catch (Exception)
        {
            // Damage that the start did not meet: not knowing is an answer here.
            return default;
        }
    }

    private static string? CountryIn(Dictionary<string, object>? found) =>
        Text(found, "country", "iso_code") ?? Text(found, "country_code");

    private static string? Text(Dictionary<string, object>? map, string key, string? inner = null)
    {
        if (map is null || !map.TryGetValue(key, out object? value)) return null;
        return inner is null ? value as string : Text(value as Dictionary<string, object>, inner);
    }
}
