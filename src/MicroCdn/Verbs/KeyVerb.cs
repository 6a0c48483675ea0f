using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using MicroCdn.Keys;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn key</c>: makes cluster keys, issues tokens for new servers, and fetches a new server's
/// key.</summary>
internal static class KeyVerb
{
    private const string DefaultFile = "microcdn.key";
    private static readonly TimeSpan LongestLife = TimeSpan.FromDays(7);

    public static Command Create()
    {
        Command verb = new("key", "Make a cluster key, issue a token for a new server, or fetch a new server's key.");
        verb.Subcommands.Add(CreateNew());
        verb.Subcommands.Add(CreateToken());
        verb.Subcommands.Add(CreateJoin());
        verb.Subcommands.Add(CreateLinks());
        return verb;
    }

    private static Command CreateNew()
    {
        Option<string> output = Output();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("new", "Make a cluster key: a file that only its owner can read.") { output, json };
        verb.SetAction(parsed => Guard(() =>
        {
            Span<byte> secret = stackalloc byte[ClusterKey.Length];
            RandomNumberGenerator.Fill(secret);
            ClusterKey key = new(secret);
            CryptographicOperations.ZeroMemory(secret);
            string path = parsed.GetValue(output)!;
            KeyFile.Write(path, new Keyring(key));
            return new VerbAnswer(parsed.GetValue(json)).Print(
                $"wrote {key} to {path}; start index, monitor and content servers with --key-file {path}",
                ("key", $"{key}"), ("file", path));
        }));
        return verb;
    }

    private static Command CreateLinks()
    {
        Option<string> output = Output();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("links", "Make a key for signed links: a file that only its owner can read.")
        {
            output, json,
        };
        verb.SetAction(parsed => Guard(() =>
        {
            string path = parsed.GetValue(output)!;
            KeyFile.WriteText(path, $"{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}\n");
            return new VerbAnswer(parsed.GetValue(json)).Print(
                $"wrote {path}; give it to index, content servers and 'microcdn sign' by --link-key {path}",
                ("file", path));
        }));
        return verb;
    }

    private static Command CreateToken()
    {
        Option<string?> file = KeyFlags.File();
        Option<string?> role = Flags.Text("--for", "ROLE", "What the new server will be; content by default.",
            "content, monitor, index or operator", text => PeerRoles.TryParse(Encoding.UTF8.GetBytes(text), out _));
        Option<string?> id = Flags.Text("--server-id", "ID",
            "The name the new server will go by; a content server and an operator need one.",
            "one word of at most 64 bytes", text => ServerId.TryCreate(text, out _));
        Option<TimeSpan> life = new("--ttl")
        {
            Description = "How long the token can be used: 90s, 30m, 1h, 7d at most.",
            HelpName = "TIME",
            DefaultValueFactory = _ => TimeSpan.FromHours(1),
            CustomParser = result =>
                Flags.Read<TimeSpan>(result, "--ttl", "a time from 1s to 7d, such as 30m or 1h", TryLife),
        };
        Option<bool> json = Flags.JsonLines();
        Command verb = new("token", "Print a token by which one new server fetches its key, once.")
        {
            file, role, id, life, json,
        };
        verb.SetAction(parsed => Guard(() =>
        {
            KeyChoice choice = KeyFlags.Choose(parsed.GetValue(file), null);
            if (choice.Path is null) throw new UnusableKeyFileException("name the cluster key with --key-file");
            string word = parsed.GetValue(role) ?? "content";
            PeerRole what = PeerRoles.TryParse(Encoding.UTF8.GetBytes(word), out PeerRole told) ? told : PeerRole.None;
            string? name = parsed.GetValue(id)
                ?? (what is PeerRole.Index or PeerRole.Monitor ? word : null);
            if (name is null || !ServerId.TryCreate(name, out ServerId server))
            {
                throw new UnusableKeyFileException($"a token for {word} names the server: --server-id CS4");
            }
            if (KeyFile.Load(choice).First is not ClusterKey cluster)
            {
                throw new UnusableKeyFileException(
                    $"'{choice.Path}' holds the key of one server; tokens are issued where the cluster key is");
            }
            long end = TimeProvider.System.GetUtcNow().Add(parsed.GetValue(life)).ToUnixTimeSeconds();
            string token = JoinToken.Issue(cluster, what, server, end, RandomNumberGenerator.Fill).ToText();
            int printed = new VerbAnswer(parsed.GetValue(json)).Print(token, ("token", token), ("for", word),
                ("server", server.Value));
            if (!Console.IsOutputRedirected) Messages.Write("Run 'microcdn key join HOST:PORT' on the new server, "
                + "with the index's host and line port, and paste this line when it asks.");
            return printed;
        }));
        return verb;
    }

    private static Command CreateJoin()
    {
        Argument<string> index = new("index") { Description = "The index: HOST:PORT.", HelpName = "HOST:PORT" };
        Option<string> output = Output();
        Option<string?> tokenFile = Flags.Path(new Option<string?>("--token-file")
        {
            Description = "The file that holds the token; by default it is read from standard input, or asked for.",
            HelpName = "FILE",
        });
        Option<bool> json = Flags.JsonLines();
        Command verb = new("join", "Fetch this new server's key from an index, by a token.")
        {
            index, output, tokenFile, json,
        };
        verb.SetAction((parsed, _) => JoinAsync(parsed.GetValue(index)!, parsed.GetValue(output)!,
            parsed.GetValue(tokenFile), new VerbAnswer(parsed.GetValue(json))));
        return verb;
    }

    private static async Task<int> JoinAsync(string index, string output, string? tokenFile, VerbAnswer answer)
    {
        int colon = index.LastIndexOf(':');
        string host = colon < 0 ? "" : index[..colon].Trim('[', ']');
        if (!ushort.TryParse(index.AsSpan(colon + 1), out ushort port) || port == 0 || host.Length == 0)
        {
            return Fail($"the index is HOST:PORT, such as 10.0.0.5:5050, not '{Table.Word(index)}'", ExitCode.Usage);
        }
        using Interruption interruption = new();
        try
        {
            // Before the token is spent.
            if (Path.Exists(output)) return Fail($"'{output}' exists and is left as it is; name another with --out",
                ExitCode.Usage);
            // Aside: a read of the terminal does not end at Ctrl-C.
            byte[] text = await Task.Run(() => ReadToken(tokenFile)).WaitAsync(interruption.Token);
            if (JoinToken.Read(text) is not { } token)
            {
                return Fail("that is no token: it begins with microcdn-token-1: and comes from 'microcdn key token'",
                    ExitCode.Usage);
            }
            JoinClient client = new(new TcpDialer(TimeProvider.System), TimeProvider.System,
                RandomNumberGenerator.Fill);
            Keyring keys = await client.JoinAsync(host, port, token, interruption.Token);
            KeyFile.Write(output, keys);
            string id = token.Role == PeerRole.Content ? $" --server-id {token.Server}" : "";
            return answer.Print($"wrote {keys.First} to {output}; start with --key-file {output}{id}",
                ("key", $"{keys.First}"), ("file", output), ("server", token.Server.Value));
        }
        catch (UnusableKeyFileException exception)
        {
            return Fail(exception.Message, ExitCode.Usage);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Fail(exception.Message, ExitCode.Unreachable);
        }
    }

    // Never from an argument: every user of a machine can read those.
    private static byte[] ReadToken(string? file)
    {
        if (file is null && !Console.IsInputRedirected) Console.Error.Write("Token: ");
        using Stream source = file is null ? Console.OpenStandardInput() : File.OpenRead(file);
        byte[] text = new byte[JoinToken.TextBytes];
        int length = 0;
        for (int read; length < text.Length && (read = source.Read(text, length, text.Length - length)) > 0;)
        {
            length += read;
            if (text.AsSpan(0, length).Contains((byte)'\n')) break;
        }
        return text[..length];
    }

    private static Option<string> Output() => Flags.Path(new Option<string>("--out")
    {
        Description = "The key file to write; one that is there is never replaced.",
        HelpName = "FILE",
        DefaultValueFactory = _ => DefaultFile,
    });

    private static bool TryLife(string text, out TimeSpan life) => TimeText.TryParse(text, out life)
        && life >= TimeSpan.FromSeconds(1) && life <= LongestLife;

    private static int Guard(Func<int> action)
    {
        try
        {
            return action();
        }
        catch (UnusableKeyFileException exception)
        {
            return Fail(exception.Message, ExitCode.Usage);
        }
    }

    private static int Fail(string sentence, int code)
    {
        Messages.Say(sentence);
        return code;
    }
}
