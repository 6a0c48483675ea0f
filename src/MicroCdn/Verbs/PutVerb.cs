using System.CommandLine;
using System.Globalization;
using MicroCdn.Client;
using MicroCdn.Keys;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn put</c>: publishes a file.</summary>
internal static class PutVerb
{
    public static Command Create()
    {
        Argument<string> file = new("file") { Description = "The file to publish.", HelpName = "FILE" };
        Argument<FileName?> name = new("name")
        {
            Description = "The name to publish it under; by default its own.",
            HelpName = "NAME",
            Arity = ArgumentArity.ZeroOrOne,
            CustomParser = result => result.Tokens.Count == 0 ? null : Flags.Read<FileName>(
                result, "name", "a relative path without '..', at most 1,024 bytes", FileName.TryCreate),
        };
        Option<int?> replicas = new("--replicas")
        {
            Description = $"How many copies there are to be, 1 to {Limits.Replicas}; by default as the policy of the "
                + "name's prefix says, two where there is none.",
            HelpName = "N",
        };
        replicas.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is { } number and (< 1 or > Limits.Replicas))
                result.AddError($"--replicas wants 1 to {Limits.Replicas}, not {number}.");
        });
        Option<bool> isNew = new("--new") { Description = "Refuse when something is published under the name." };
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Command verb = new("put", "Publish a file: copies on as many servers as asked, verified, under a name.")
        {
            file, name, replicas, isNew, keyFile,
        };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(token => PutAsync(
            parsed.GetValue(file)!, parsed.GetValue(name), new PutOptions
            {
                Replicas = parsed.GetValue(replicas) ?? 0, IsNew = parsed.GetValue(isNew),
            },
            PublisherOf(index.Read(parsed), parsed.GetValue(keyFile)), token)));
        return verb;
    }

    /// <summary>Who publishes, by the flags.</summary>
    public static Publisher PublisherOf(ClientOptions options, string? keyFile) => new(options,
        KeyFile.Operator(KeyFlags.Choose(keyFile, null)), new TcpDialer(TimeProvider.System), TimeProvider.System);

    private static async Task<int> PutAsync(
        string path, FileName? wanted, PutOptions options, Publisher publisher, CancellationToken token)
    {
        if ((wanted ?? NameOf(path)) is not { } name)
        {
            Messages.Say($"'{path}' makes no name: say one behind it.");
            return ExitCode.Usage;
        }
        try
        {
            await using FileStream bytes = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            long seconds = new DateTimeOffset(File.GetLastWriteTimeUtc(path)).ToUnixTimeSeconds();
            Publication? done = null;
            await ProgressBars.RunAsync(async bars => done = await publisher.PutAsync(name, bytes,
                options with { UnixSeconds = Math.Clamp(seconds, -1, Limits.UnixSeconds) }, bars.Add(name), token));
            string servers = string.Join(", ", done!.Servers);
            return Messages.Print(() => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"published {name} ({done.Size} bytes, revision {done.Revision}) on {servers}")));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Messages.Say($"'{path}' cannot be read: {exception.Message}");
            return ExitCode.Failed;
        }
    }

    private static FileName? NameOf(string path) =>
        FileName.TryCreate(Path.GetFileName(path), out FileName name) ? name : null;
}
