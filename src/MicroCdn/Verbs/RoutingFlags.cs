using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary>The flags that tell an index where its clients are.</summary>
internal sealed class RoutingFlags
{
    private readonly Option<ZoneNetwork[]> _zones = new("--zone-network")
    {
        Description = "A network whose clients stand in a zone, and get that zone's servers first; repeatable, the "
            + "longest prefix counts.",
        DefaultValueFactory = _ => [],
        HelpName = "CIDR=ZONE",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result => [.. result.Tokens.Select(token => Read(result, token.Value))],
    };

    private readonly Option<string?> _countries = Flags.Path(new Option<string?>("--geo")
    {
        Description = "A country file in MaxMind's .mmdb format: clients get servers of their country first, then of "
            + "their continent. Read again when it changes.",
        HelpName = "FILE",
    });

    /// <summary>Adds the flags to a verb.</summary>
    public void AddTo(Command verb)
    {
        verb.Options.Add(_zones);
        verb.Options.Add(_countries);
    }

    /// <summary>Reads the flags into options that say nothing else.</summary>
    public IndexOptions Read(ParseResult parsed) => new()
    {
        ZoneNetworks = parsed.GetValue(_zones)!,
        CountryFile = parsed.GetValue(_countries),
    };

    // A zone's name may hold an equals sign, a network cannot.
    private static ZoneNetwork Read(ArgumentResult result, string text)
    {
        string[] parts = text.Split('=', 2);
        if (parts.Length == 2 && Flags.TryNetwork(parts[0], out IPNetwork network) && ServerFacts.IsZone(parts[1]))
        {
            return new ZoneNetwork(network, parts[1]);
        }
        result.AddError($"--zone-network wants a network and its zone, such as 10.1.0.0/16=berlin, not '{text}'.");
        return new ZoneNetwork(default, "");
    }
}
