using System.CommandLine;
using System.CommandLine.Parsing;
using MicroCdn.Client;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn get</c>, also called <c>client</c>: downloads files.</summary>
internal static class GetVerb
{
    private const int AtOnce = 4;
    private static readonly Lock Output = new();

    public static Command Create()
    {
        Argument<FileName[]> names = new("file")
        {
            Description = "The names of the files to download.",
            Arity = ArgumentArity.OneOrMore,
            CustomParser = result => [.. result.Tokens.Select(token =>
            {
                if (FileName.TryCreate(token.Value, out FileName name)) return name;
                result.AddError($"'{token.Value}' is no file name: it must be a relative path without '..', "
                    + "at most 1,024 bytes.");
                return default;
            })],
        };
        Option<string?> output = Flags.Path(new Option<string?>("--out")
        {
            Description = "Where to save: a file, or with several names a folder. Default: downloads/<file name>.",
            HelpName = "PATH",
        });
        Option<string> indexHost = Flags.Host("--index-host", "The index's host.");
        Option<int> indexPort = Flags.Port("--index-port", 5050, "The index's line port.");
        Option<string?> directHost = new("--direct-host")
        {
            Description = "Ask this content server, not the index.", HelpName = "HOST",
        };
        Option<int> directPort = Flags.Port("--direct-port", 7001, "The line port at --direct-host.");
        Command verb = new("get",
            "Download files: ask the index, fetch from a live server, change servers when one fails.")
        {
            names, output, indexHost, indexPort, directHost, directPort,
        };
        verb.Aliases.Add("client");
        verb.Validators.Add(result => RefuseAlone(result, directPort, directHost));
        verb.SetAction(async (parsed, _) =>
        {
            ClientOptions options = new()
            {
                IndexHost = parsed.GetValue(indexHost)!, IndexPort = parsed.GetValue(indexPort),
            };
            CdnClient client = new(options, new TcpDialer(TimeProvider.System), TimeProvider.System);
            string? host = parsed.GetValue(directHost);
            int port = parsed.GetValue(directPort);
            FileName[] wanted = [.. parsed.GetValue(names)!.Distinct()];
            // A word with a dash is a mistyped flag, unless it stands behind "--".
            bool escaped = parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash);
            if (!escaped && Array.Find(wanted, name => name.Value.StartsWith('-')) is { Value: { } flag })
            {
                string plain = Table.Plain(flag);
                Console.Error.WriteLine($"microcdn: there is no flag '{plain}' (for a file, write '-- {plain}').");
                return ExitCode.Usage;
            }
            Func<FileName, string, IProgress<DownloadProgress>?, CancellationToken, Task<DownloadResult>> fetch =
                host is null
                ? client.DownloadAsync
                : (name, target, progress, token) =>
                    client.DownloadFromAsync(host, port, name, target, progress, token);
            return await RunAsync(wanted, parsed.GetValue(output), fetch);
        });
        return verb;
    }

    private static void RefuseAlone(CommandResult verb, Option<int> directPort, Option<string?> directHost)
    {
        bool alone = verb.GetResult(directPort) is { Implicit: false } && verb.GetResult(directHost) is null;
        if (alone) verb.AddError("--direct-port needs --direct-host: the server to ask instead of the index.");
    }

    private static async Task<int> RunAsync(FileName[] names, string? output,
        Func<FileName, string, IProgress<DownloadProgress>?, CancellationToken, Task<DownloadResult>> fetch)
    {
        if (names.Length > 1 && output is not null && File.Exists(output))
        {
            Console.Error.WriteLine($"microcdn: --out '{output}' is a file; with several names it must be a folder.");
            return ExitCode.Usage;
        }
        using Interruption interruption = new();
        int[] codes = new int[names.Length];
        await ProgressBars.RunAsync(async bars =>
        {
            ParallelOptions atOnce = new() { MaxDegreeOfParallelism = AtOnce };
            await Parallel.ForAsync(0, names.Length, atOnce, async (number, _) =>
            {
                string target = TargetOf(names[number], output, names.Length > 1);
                codes[number] = await FetchAsync(
                    () => fetch(names[number], target, bars.Add(names[number]), interruption.Token), target);
            });
        });
        if (interruption.Token.IsCancellationRequested) return ExitCode.Interrupted;
        return codes.Distinct().Count() == 1 ? codes[0] : ExitCode.Partial;
    }

    private static async Task<int> FetchAsync(Func<Task<DownloadResult>> fetch, string target)
    {
        try
        {
            DownloadResult result = await fetch();
            lock (Output) Console.WriteLine($"saved {result.Path} ({result.Size} bytes from {result.Server})");
            return ExitCode.Done;
        }
        catch (OperationCanceledException)
        {
            return Fail(ExitCode.Interrupted, $"interrupted, nothing was saved as {target}");
        }
        catch (CdnException exception)
        {
            return Fail(exception.Failure == CdnFailure.NotFound ? ExitCode.NotFound : ExitCode.Unreachable,
                exception.Message);
        }
        catch (DiskFullException)
        {
            return Fail(ExitCode.DiskFull, $"no room is left on the disk for {target}");
        }
        catch (TargetException exception)
        {
            return Fail(ExitCode.Failed, $"{target} cannot be written: {exception.Message}");
        }
    }

    private static int Fail(int code, string sentence)
    {
        lock (Output) Console.Error.WriteLine($"microcdn: {Table.Plain(sentence)}");
        return code;
    }

    private static string TargetOf(FileName name, string? output, bool several)
    {
        if (output is null) return Path.Combine("downloads", name.Value);
        bool isFolder = several || Directory.Exists(output) || output.EndsWith('/');
        return isFolder ? Path.Combine(output, name.Value) : output;
    }
}
