using System.CommandLine;
using System.CommandLine.Parsing;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary>What of <c>microcdn purge</c> says what is purged.</summary>
internal sealed class PurgeFlags
{
    private readonly Argument<string[]> _urls = new("url")
    {
        Description = "URLs, or paths that begin with '/': each with all its variants.",
        HelpName = "URL",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string[]> _prefixes = Several(
        "--prefix", "PATH", "Whatever begins so: a path or URL; repeatable.");

    private readonly Option<string[]> _tags = Several(
        "--tag", "TAG", "Whatever carries a tag in Surrogate-Key or Cache-Tag; repeatable.");

    private readonly Option<bool> _all = new("--all") { Description = "Everything." };

    private readonly Option<bool> _soft = new("--soft")
    {
        Description = "Make copies stale instead: they are validated, and may serve where stale ones may.",
    };

    /// <summary>Adds them to the verb.</summary>
    public void AddTo(Command verb)
    {
        verb.Arguments.Add(_urls);
        foreach (Option option in (Option[])[_prefixes, _tags, _all, _soft]) verb.Options.Add(option);
        verb.Validators.Add(result => Read(result));
    }

    /// <summary>What is to be purged; what names nothing becomes an error of the command line.</summary>
    public List<Purge> Read(CommandResult result)
    {
        bool isSoft = result.GetValue(_soft);
        List<Purge> purges = [];
        Add(PurgeKind.Url, result.GetValue(_urls)!);
        Add(PurgeKind.Prefix, result.GetValue(_prefixes)!);
        Add(PurgeKind.Tag, result.GetValue(_tags)!);
        Add(PurgeKind.All, result.GetValue(_all) ? [""] : []);
        if (purges.Count == 0 && !result.Errors.Any()) result.AddError("purge wants a URL, --prefix, --tag or --all.");
        return purges;

        void Add(PurgeKind kind, string[] values)
        {
            foreach (string value in values)
            {
                if (Purge.Of(kind, value, isSoft, out string wrong) is { } purge) purges.Add(purge);
                else result.AddError($"'{Table.Word(value)}' cannot be purged: {wrong}.");
            }
        }
    }

    private static Option<string[]> Several(string name, string help, string description) => new(name)
    {
        Description = description,
        HelpName = help,
        Arity = ArgumentArity.OneOrMore,
        DefaultValueFactory = _ => [],
    };
}
