namespace MicroCdn.Index;

/// <summary>How near a server is to a client, the nearest first.</summary>
public enum Nearness
{
    /// <summary>In the same zone, which the settings made of networks.</summary>
    Zone,

    /// <summary>In the same country.</summary>
    Country,

    /// <summary>On the same continent.</summary>
    Continent,

    /// <summary>Anywhere else, or nobody knows.</summary>
    Elsewhere,
}

/// <summary>Where an address is, as far as that is known: zone, country and continent in one word, so that it is read
/// and written in one step.</summary>
internal readonly record struct Place
{
    // Zone, country, continent, each 0 when it is not known.
    private readonly ulong _word;

    /// <summary>Puts a place together.</summary>
    /// <param name="zone">The number of a zone of the settings; 0 for none.</param>
    /// <param name="country">Two letters, or anything else for none.</param>
    /// <param name="continent">Two letters, or null to go by the country.</param>
    public Place(ushort zone, string? country, string? continent)
    {
        ushort there = Continents.Of(country);
        ushort told = Continents.Code(continent);
        _word = ((ulong)zone << 32) | ((there == 0 ? 0UL : Continents.Code(country)) << 16)
            | (Continents.IsOne(told) ? told : there);
    }

    public ushort Zone => (ushort)(_word >> 32);

    public string? Country => Continents.Text((ushort)(_word >> 16));

    public string? Continent => Continents.Text((ushort)_word);

    /// <summary>How near another place is.</summary>
    public Nearness To(Place other)
    {
        ulong differs = _word ^ other._word;
        if (Same(differs, 32)) return Nearness.Zone;
        if (Same(differs, 16)) return Nearness.Country;
        return Same(differs, 0) ? Nearness.Continent : Nearness.Elsewhere;
    }

    private bool Same(ulong differs, int shift) => (ushort)(differs >> shift) == 0 && (ushort)(_word >> shift) != 0;
}

/// <summary>Which continent a country is on, as the common country files have it.</summary>
internal static class Continents
{
    // ISO 3166-1 alpha-2, and XK.
    private static readonly (string Continent, string Countries)[] Table =
    [
        ("AF", "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW "
            + "MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW"),
        ("AN", "AQ BV GS HM TF"),
        ("AS", "AE AF AM AZ BD BH BN BT CC CN CX GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV "
            + "MY NP OM PH PK PS QA SA SG SY TH TJ TM TR TW UZ VN YE"),
        ("EU", "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC "
            + "MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK"),
        ("NA", "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV "
            + "SX TC TT US VC VG VI"),
        ("OC", "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS"),
        ("SA", "AR BO BR CL CO EC FK GF GY PE PY SR UY VE"),
    ];

    private static readonly Dictionary<ushort, ushort> ByCountry = Table
        .SelectMany(row => row.Countries.Split(' ').Select(country => (country, row.Continent)))
        .ToDictionary(pair => Code(pair.country), pair => Code(pair.Continent));

    /// <summary>All countries, for a test to walk.</summary>
    internal static IEnumerable<string> Countries => Table.SelectMany(row => row.Countries.Split(' '));

    /// <summary>The continent of a country as a number; 0 when there is no such country.</summary>
    public static ushort Of(string? country) => ByCountry.GetValueOrDefault(Code(country));

    /// <summary>True for the number of a continent.</summary>
    public static bool IsOne(ushort code) => ByCountry.ContainsValue(code);

    /// <summary>Two letters as a number, whatever their case; 0 for anything else.</summary>
    public static ushort Code(string? text) => text is [var one, var two]
        && char.IsAsciiLetter(one) && char.IsAsciiLetter(two)
        ? (ushort)(((one & 0x5F) << 8) | (two & 0x5F)) : (ushort)0;

    /// <summary>The two letters of a number; null for 0.</summary>
    public static string? Text(ushort code) => code == 0 ? null : $"{(char)(code >> 8)}{(char)(code & 0xFF)}";
}
