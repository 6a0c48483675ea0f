using System.CommandLine;
using MicroCdn.Content;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary>The flags by which a content server says where it stands and how clients reach it.</summary>
internal sealed class PlaceFlags
{
    private readonly Option<string?> _advertise = Flags.Text("--advertise", "HOST",
        "The host name or address by which clients reach this server.",
        "a host name or an address, such as cs1.example.org", ServerFacts.IsHost);

    private readonly Option<string?> _publicUrl = Flags.Text("--public-url", "URL",
        "The URL to which clients append a file's name.",
        "an http or https URL without '?' and '#', such as https://files.example.org/", ServerFacts.IsUrl);

    private readonly Option<string?> _zone = Flags.Text("--zone", "ZONE",
        "Where this server stands, in your own words.",
        $"a name of at most {Limits.ZoneBytes} bytes", ServerFacts.IsZone);

    private readonly Option<string?> _country = Flags.Text("--country", "CC",
        "The country this server stands in.", "two letters, such as de (ISO 3166-1)", ServerFacts.IsCountry);

    private readonly Option<int> _weight = Flags.Number("--weight", Limits.UsualWeight, 1, Limits.Weight,
        "How much this server can take against others.");

    /// <summary>The flags, added to a verb.</summary>
    public static PlaceFlags AddedTo(Command verb)
    {
        PlaceFlags flags = new();
        foreach (Option option in new Option[]
            { flags._advertise, flags._publicUrl, flags._zone, flags._country, flags._weight })
        {
            verb.Add(option);
        }
        return flags;
    }

    public ContentOptions Read(ParseResult parsed, ContentOptions options) => options with
    {
        Advertise = parsed.GetValue(_advertise),
        PublicUrl = parsed.GetValue(_publicUrl),
        Zone = parsed.GetValue(_zone),
        Country = parsed.GetValue(_country),
        Weight = parsed.GetValue(_weight),
    };
}
