using System.CommandLine;
using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn get</c>, also called <c>client</c>: downloads files.</summary>
internal static class GetVerb
{
    private const int AtOnce = 4;

    // What is gathered beside the target, and is no part to go on from, goes.
    private static readonly TimeSpan ToTidyUp = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        Argument<FileName[]> names = new("file")
        {
            Description = "The names of the files to download.",
            HelpName = "FILE",
            Arity = ArgumentArity.OneOrMore,
            CustomParser = result => [.. result.Tokens.Select(token =>
            {
                if (FileName.TryCreate(token.Value, out FileName name)) return name;
                result.AddError($"'{Table.Word(token.Value)}' is no file name: it must be a relative path without "
                    + "'..', at most 1,024 bytes.");
                return default;
            })],
        };
        Option<string?> output = Flags.Path(new Option<string?>("--out")
        {
            Description = "Where to save: a file, or with several names a folder. Default: downloads/<file name>.",
            HelpName = "PATH",
        });
        GetFlags flags = new();
        Command verb = new("get",
            "Download files: ask the index, fetch from live servers, verify, change servers when one fails.")
        {
            names, output,
        };
        flags.AddTo(verb);
        verb.Aliases.Add("client");
        verb.SetAction(async (parsed, _) =>
        {
            using CdnClient client = new(flags.Read(parsed));
            string? host = parsed.GetValue(flags.DirectHost);
            int port = parsed.GetValue(flags.DirectPort);
            FileName[] wanted = [.. parsed.GetValue(names)!.Distinct()];
            VerbAnswer answer = flags.Answer(parsed);
            Fetch fetch = (name, target, progress, token) => host is null
                ? client.DownloadAsync(name.Value, target, new DownloadOptions
                {
                    Parallel = parsed.GetValue(flags.Parallel), Progress = progress, Notice = Messages.Say,
                }, token)
                : client.DownloadFromAsync(host, port, name, target, progress, token);
            return await RunAsync(wanted, parsed.GetValue(output), fetch, answer);
        });
        return verb;
    }

    private static async Task<int> RunAsync(FileName[] names, string? output, Fetch fetch, VerbAnswer answer)
    {
        if (names.Length > 1 && output is not null && File.Exists(output))
        {
            Messages.Say($"--out '{output}' is a file; with several names it must be a folder.");
            return ExitCode.Usage;
        }
        int?[] codes = new int?[names.Length];
        string[] targets = [.. names.Select(name => TargetOf(name, output, names.Length > 1))];
        return await Questions.AskAsync(async token =>
        {
            await ProgressBars.RunAsync(async bars =>
            {
                ParallelOptions atOnce = new() { MaxDegreeOfParallelism = AtOnce, CancellationToken = token };
                await Parallel.ForAsync(0, names.Length, atOnce, async (number, over) => codes[number] =
                    await FetchAsync(() => fetch(names[number], targets[number], bars.Add(names[number]), over),
                        targets[number], answer));
            });
            return codes.Distinct().Count() == 1 ? codes[0]!.Value : ExitCode.Partial;
        }, () => targets.Where((_, number) => codes[number] is null).Select(LeftOf), ToTidyUp);
    }

    private static string LeftOf(string target) => File.Exists(target + ".part")
        ? $"interrupted; what is verified is kept in {target}.part, and the same command goes on from there"
        : $"interrupted, nothing was saved as {target}";

    private static async Task<int> FetchAsync(
        Func<Task<DownloadResult>> fetch, string target, VerbAnswer answer)
    {
        try
        {
            DownloadResult result = await fetch();
            string resumed = result.Resumed > 0 ? $", {result.Resumed} were there already" : "";
            return answer.Print($"saved {result.Path} ({result.Size} bytes from {result.Server}{resumed})",
                ("saved", result.Path), ("size", result.Size), ("server", $"{result.Server}"),
                ("resumed", result.Resumed));
        }
        catch (CdnException exception)
        {
            return Fail(ExitCode.Of(exception.Failure), exception.Message);
        }
        catch (DiskFullException exception)
        {
            return Fail(ExitCode.DiskFull, exception.Message);
        }
        catch (TargetException exception)
        {
            return Fail(ExitCode.Failed, $"{target} cannot be written: {exception.Message}");
        }
    }

    private static int Fail(int code, string sentence)
    {
        Messages.Say(sentence);
        return code;
    }

    private static string TargetOf(FileName name, string? output, bool several)
    {
        if (output is null) return Path.Combine("downloads", name.Value);
        bool isFolder = several || Directory.Exists(output) || output.EndsWith('/');
        return isFolder ? Path.Combine(output, name.Value) : output;
    }

    private delegate Task<DownloadResult> Fetch(
        FileName name, string target, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken);
}
