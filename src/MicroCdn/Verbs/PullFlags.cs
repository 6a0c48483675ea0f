using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Protocol;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary>The flags of a cache in front of web servers.</summary>
internal sealed class PullFlags
{
    private const long LeastBytes = 1 << 20;

    // More than the largest fleet we build for.
    private const int MostParents = 64;

    private readonly Option<OriginRule[]> _origins = new("--origin")
    {
        Description = "A web server to be a cache for: its URL, or HOST=URL, /PREFIX=URL or HOST/PREFIX=URL for a "
            + "part of the requests; repeatable, the most specific counts.",
        HelpName = "URL",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = Rules,
    };

    private readonly Option<string?> _folder = Flags.Path(new Option<string?>("--cache")
    {
        Description = "The folder for copies; by default cache below this server's state.", HelpName = "DIR",
    });

    private readonly Option<ByteCount> _diskBytes = Size("--cache-size", new ByteCount(10L << 30),
        "The most that copies may take on disk; 0 to keep them in memory alone.");

    private readonly Option<ByteCount> _memoryBytes = Size("--cache-memory", new ByteCount(256L << 20),
        "The most that copies may take in memory.");

    private readonly Option<string> _preset = new("--cache-preset")
    {
        Description = "'site' is what most sites want, 'conformant' the letter of the RFC (docs/caching.md).",
        HelpName = "NAME",
        DefaultValueFactory = _ => "site",
        CustomParser = result => Flags.Read<string>(result, "--cache-preset", "'site' or 'conformant'",
            (string text, out string? preset) => (preset = text) is "site" or "conformant"),
    };

    private readonly Option<IPNetwork[]> _allowed = Flags.Networks("--origin-allow",
        "A network of link-local or other special addresses that an origin may have; repeatable.");

    private readonly Option<string?> _authorities = Flags.Path(new Option<string?>("--origin-ca")
    {
        Description = "The authorities that certificates of origins are checked against, a PEM file.",
        HelpName = "FILE",
    });

    private readonly Option<ParentRule[]> _parents = new("--parent")
    {
        Description = "A cache of which one is asked before the origin: its server's id, '=', and its URL; repeatable, "
            + "the same list on all of them.",
        HelpName = "ID=URL",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = Parents,
    };

    private readonly Option<string[]> _keep = Names("--query-keep",
        "A query parameter that makes a difference; repeatable, all others are dropped.");

    private readonly Option<string[]> _drop = Names("--query-drop",
        "A query parameter that makes no difference, such as utm_source; repeatable.");

    /// <summary>Adds the flags to a verb.</summary>
    public void AddTo(Command verb)
    {
        foreach (Option option in new Option[] { _origins, _folder, _diskBytes, _memoryBytes, _preset, _allowed,
            _authorities, _parents, _keep, _drop })
        {
            verb.Options.Add(option);
        }
        verb.Validators.Add(result =>
        {
            if (result.GetResult(_keep) is not { Implicit: false }) return;
            if (result.GetResult(_drop) is not { Implicit: false }) return;
            result.AddError("--query-keep and --query-drop exclude one another: name what stays, or what goes.");
        });
    }

    /// <summary>Refuses an origin where nobody could ask for it.</summary>
    public void DemandPort(Command verb, WebFlags web) => verb.Validators.Add(result =>
    {
        if (AreGiven(result) && !web.HasPort(result)) result.AddError("--origin needs --http-port or --https-port.");
    });

    /// <summary>True when the command line or the settings name an origin.</summary>
    public bool AreGiven(CommandResult result) => result.GetResult(_origins) is { Implicit: false };

    /// <summary>True when they name caches to ask before the origin.</summary>
    public bool NameParents(CommandResult result) => result.GetResult(_parents) is { Implicit: false };

    /// <summary>Reads the flags.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="folder">Where copies go when nothing is said.</param>
    /// <param name="id">The server that the cache is part of; null for one that is alone.</param>
    public PullOptions Read(ParseResult parsed, string folder, ServerId? id)
    {
        long diskBytes = parsed.GetValue(_diskBytes).Bytes;
        return new PullOptions
        {
            Id = id,
            Origins = parsed.GetValue(_origins)!,
            Parents = parsed.GetValue(_parents)!,
            Folder = diskBytes == 0 ? null : parsed.GetValue(_folder) ?? folder,
            DiskBytes = diskBytes,
            MemoryBytes = parsed.GetValue(_memoryBytes).Bytes,
            IsConformant = parsed.GetValue(_preset) == "conformant",
            Allowed = parsed.GetValue(_allowed)!,
            Authorities = parsed.GetValue(_authorities),
            QueryKeep = parsed.GetValue(_keep)!,
            QueryDrop = parsed.GetValue(_drop)!,
        };
    }

    private static Option<ByteCount> Size(string name, ByteCount fallback, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        DefaultValueFactory = _ => fallback,
        CustomParser = result => Flags.Read<ByteCount>(result, name, "a size such as 512MiB or 10GiB, at least 1MiB",
            (string text, out ByteCount size) => ByteCount.TryParse(text, out size)
                && (size.Bytes >= LeastBytes || size.Bytes == 0)),
    };

    private static Option<string[]> Names(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "NAME",
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
        CustomParser = result => [.. result.Tokens.Select(token => Flags.Read<string>(result, token, name,
            "the name of a query parameter", (string text, out string? value) =>
                (value = text).Length is > 0 and <= 256 && !text.AsSpan().ContainsAny("&=?# ")) ?? "")],
    };

    private static OriginRule[] Rules(ArgumentResult result)
    {
        List<OriginRule> rules = [];
        foreach (Token token in result.Tokens)
        {
            OriginRule? rule = Flags.Read<OriginRule>(result, token, "--origin",
                "an http or https URL without user, query and fragment, such as https://www.example.org, or "
                + "HOST=URL, /PREFIX=URL, HOST/PREFIX=URL", TryRule);
            if (rule is null) break;
            if (rules.Exists(other => other.Host == rule.Host && other.Prefix == rule.Prefix))
            {
                result.AddError($"--origin has the place '{Table.Word(rule.Host + rule.Prefix)}' twice.");
                break;
            }
            rules.Add(rule);
        }
        if (rules.Count(rule => rule.Host.Length == 0) > Limits.Prefixes)
        {
            result.AddError($"--origin takes at most {Limits.Prefixes} places that are for every host.");
        }
        return [.. rules];
    }

    private static ParentRule[] Parents(ArgumentResult result)
    {
        const string wanted = "a server's id, '=', and its URL, such as CS1=http://cs1.example.org:7003";
        ParentRule[] parents = [.. result.Tokens
            .Select(token => Flags.Read<ParentRule>(result, token, "--parent", wanted, TryParent))
            .OfType<ParentRule>()];
        if (parents.Length > MostParents) result.AddError($"--parent takes at most {MostParents} caches.");
        if (parents.CountBy(parent => parent.Id).FirstOrDefault(pair => pair.Value > 1) is { Value: > 1 } twice)
        {
            result.AddError($"--parent names '{Table.Word(twice.Key.Value)}' twice.");
        }
        return parents;
    }

    private static bool TryParent(string text, out ParentRule? parent)
    {
        parent = null;
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        int equals = scheme < 0 ? -1 : text.LastIndexOf('=', scheme);
        if (equals < 0 || !ServerId.TryCreate(text[..equals], out ServerId id)) return false;
        if (!TryUrl(text[(equals + 1)..], out Uri? url)) return false;
        parent = new ParentRule(id, url!);
        return true;
    }

    private static bool TryUrl(string text, out Uri? url) => Uri.TryCreate(text, UriKind.Absolute, out url)
        && url.Scheme is "http" or "https"
        && url.UserInfo.Length + url.Query.Length + url.Fragment.Length == 0;

    private static bool TryRule(string text, out OriginRule? rule)
    {
        rule = null;
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        int equals = scheme < 0 ? -1 : text.LastIndexOf('=', scheme);
        string place = equals < 0 ? "/" : text[..equals];
        int slash = place.IndexOf('/', StringComparison.Ordinal);
        (string host, string prefix) = slash < 0 ? (place, "/") : (place[..slash], place[slash..]);
        if (host.Length > 0 && Uri.CheckHostName(host) == UriHostNameType.Unknown) return false;
        if (!ServerFacts.IsPrefix(prefix) || !TryUrl(text[(equals + 1)..], out Uri? url)) return false;
        rule = new OriginRule(host.ToLowerInvariant(), prefix, url!);
        return true;
    }
}
