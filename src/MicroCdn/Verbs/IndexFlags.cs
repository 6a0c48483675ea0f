using System.CommandLine;
using System.Globalization;
using MicroCdn.Client;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary>The flags of the verbs that ask an index: which one, or which ones.</summary>
internal sealed class IndexFlags
{
    private readonly Option<string> _host = Flags.Host("--index-host", "The index's host.");

    private readonly Option<int> _port = Flags.Port("--index-port", 5050, "The index's line port.");

    private readonly Option<IndexEndPoint[]> _indexes =
        Indexes("An index to ask instead; repeatable, for several indexes of one network.");

    /// <summary>Reads <c>--index</c>, which may be repeated.</summary>
    public static Option<IndexEndPoint[]> Indexes(string description) => new("--index")
    {
        Description = description,
        HelpName = "HOST:PORT",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = result => [.. result.Tokens.Select(token => Flags.Read<IndexEndPoint>(
            result, token, "--index", "HOST:PORT, such as 10.0.0.5:5050", TryIndex)!)],
    };

    public void AddTo(Command verb)
    {
        foreach (Option option in (Option[])[_host, _port, _indexes]) verb.Add(option);
    }

    /// <summary>Whether an index was named at all.</summary>
    public bool IsGiven(ParseResult parsed) => ((Option[])[_host, _port, _indexes]).Any(option =>
        parsed.GetResult(option) is { Implicit: false });

    /// <summary>What a client that asks these is made of.</summary>
    public ClientOptions Read(ParseResult parsed) => new()
    {
        IndexHost = parsed.GetValue(_host)!,
        IndexPort = parsed.GetValue(_port),
        Indexes = parsed.GetValue(_indexes)!,
    };

    private static bool TryIndex(string text, out IndexEndPoint? index)
    {
        int colon = text.LastIndexOf(':');
        index = null;
        if (colon < 1) return false;
        string host = text[..colon].Trim('[', ']');
        bool valid = int.TryParse(
            text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            && port is > 0 and <= ushort.MaxValue && host.Length is > 0 and <= Limits.HostBytes;
        if (valid) index = new IndexEndPoint(host, port);
        return valid;
    }
}
