using System.CommandLine;
using MicroCdn.Client;
using MicroCdn.Keys;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary>The flags of the verbs that publish: how many copies, where, by whom, and whether unseen.</summary>
internal sealed class PutFlags
{
    private readonly Option<int?> _replicas = new("--replicas")
    {
        Description = $"How many copies there are to be, 1 to {Limits.Replicas}; by default as the policy of the "
            + "name's prefix says, two where there is none.",
        HelpName = "N",
    };

    private readonly Option<bool> _spread = new("--zone-spread")
    {
        Description = "Have the copies in as many zones as there are.",
    };

    private readonly Option<string?> _stage = new("--stage")
    {
        Description = "Bring the bytes to their servers unseen; 'activate RELEASE' makes them visible at once.",
        HelpName = "RELEASE",
        CustomParser = result => ReadRelease(result, "--stage"),
    };

    private readonly Option<bool> _activates = new("--activate")
    {
        Description = "With --stage: make the release visible once all of it is staged.",
    };

    private readonly Option<bool> _json = Flags.JsonLines();
    private readonly IndexFlags _index = new();
    private readonly Option<string?> _keyFile = KeyFlags.File();

    public PutFlags()
    {
        _replicas.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is { } number and (< 1 or > Limits.Replicas))
                result.AddError($"--replicas wants 1 to {Limits.Replicas}, not {number}.");
        });
        _activates.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<bool>() && result.GetResult(_stage) is null)
                result.AddError("--activate wants --stage RELEASE beside it: the release that it makes visible.");
        });
    }

    public void AddTo(Command verb)
    {
        foreach (Option option in (Option[])[_replicas, _spread, _stage, _activates, _keyFile, _json]) verb.Add(option);
        _index.AddTo(verb);
    }

    public PutOptions Read(ParseResult parsed) => new()
    {
        Replicas = parsed.GetValue(_replicas) ?? 0,
        IsSpread = parsed.GetValue(_spread),
        Release = parsed.GetValue(_stage),
    };

    /// <summary>How it is told what was done.</summary>
    public VerbAnswer Answer(ParseResult parsed) => new(parsed.GetValue(_json));

    public Publisher Publisher(ParseResult parsed) => Of(_index.Read(parsed), parsed.GetValue(_keyFile));

    /// <summary>Makes the release visible when that was asked for, and all of it is staged.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="staged">How the staging ended.</param>
    /// <param name="token">Gives up waiting.</param>
    /// <returns>The exit code.</returns>
    public async Task<int> ActivateAsync(ParseResult parsed, int staged, CancellationToken token)
    {
        if (staged != ExitCode.Done || !parsed.GetValue(_activates)) return staged;
        string release = parsed.GetValue(_stage)!;
        return await ReleaseVerbs.RunAsync(
            "activated", release, Answer(parsed), told => Publisher(parsed).ActivateAsync(release, told, token));
    }

    /// <summary>Who publishes, by the flags.</summary>
    public static Publisher Of(ClientOptions options, string? keyFile) => new(options,
        KeyFile.Operator(KeyFlags.Choose(keyFile, null)), new TcpDialer(TimeProvider.System), TimeProvider.System);

    /// <summary>The name of a file, as an argument.</summary>
    public static Argument<FileName> Name(string name, string description) => new(name)
    {
        Description = description,
        HelpName = name.ToUpperInvariant(),
        CustomParser = result => Flags.Read<FileName>(
            result, name, "a relative path without '..', at most 1,024 bytes", FileName.TryCreate),
    };

    /// <summary>The name of a release, as an argument.</summary>
    public static Argument<string?> Release(bool isNeeded) => new("release")
    {
        Description = "The release.",
        HelpName = "RELEASE",
        Arity = isNeeded ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne,
        CustomParser = result => result.Tokens.Count == 0 ? null : ReadRelease(result, "release"),
    };

    private static string ReadRelease(System.CommandLine.Parsing.ArgumentResult result, string flag) =>
        Flags.Read<ServerId>(result, flag, "one word of at most 64 bytes", ServerId.TryCreate).Value;

    /// <summary>Says of a name that nothing is published under it; servers may have a file of that name all the
    /// same.</summary>
    public static async Task<T> AboutAsync<T>(FileName name, Task<T> asked)
    {
        try
        {
            return await asked;
        }
        catch (CdnException exception) when (exception.Failure == CdnFailure.NotFound)
        {
            throw new CdnException(CdnFailure.NotFound, $"nothing is published as '{name}'. What servers have in their "
                + "folders, which 'microcdn ls' shows too, is changed there.", exception);
        }
    }
}
