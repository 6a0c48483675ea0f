using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MicroCdn.Client;
using MicroCdn.Keys;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn token</c>: makes the tokens by which files are published over HTTP, lists them, and takes them
/// back.</summary>
internal static class TokenVerb
{
    public static Command Create()
    {
        Command verb = new("token", "Make a token for publishing by HTTP, list the tokens, or take one back.");
        verb.Subcommands.Add(CreateAdd());
        verb.Subcommands.Add(CreateList());
        verb.Subcommands.Add(CreateRemove());
        return verb;
    }

    private static Command CreateAdd()
    {
        Option<string?> scope = Flags.Text("--scope", "WORDS", "What it allows; publish by default.",
            "read, publish, purge or admin, with commas between",
            text => TokenGrant.ReadScopes(text) != TokenScopes.None);
        Option<string?> prefix = Flags.Text("--prefix", "PREFIX", "What every name that it is for begins with.",
            "the beginning of names, such as releases/", text => text.Length > 0 && TokenGrant.IsPrefix(text));
        Option<string?> note = Flags.Text("--note", "TEXT", "What it is for, in your words.",
            $"at most {TokenGrant.NoteBytes} bytes", text => Encoding.UTF8.GetByteCount(text) <= TokenGrant.NoteBytes);
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("add", "Print a new token, once: the index keeps no more than its hash.")
        {
            scope, prefix, note, keyFile, json,
        };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async cancelled =>
        {
            // Made here: the line to the index is not encrypted.
            AccessToken token = AccessToken.Draw(RandomNumberGenerator.Fill);
            TokenGrant grant = new(token.Id, token.Hash, TokenGrant.ReadScopes(parsed.GetValue(scope) ?? "publish"),
                parsed.GetValue(prefix) ?? "", -1, parsed.GetValue(note) ?? "");
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            await publisher.OrderAsync($"TOKEN_ADD {grant.ToWords()}", cancelled);
            return new VerbAnswer(parsed.GetValue(json)).Print(
                token.Reveal(), ("id", token.Id), ("token", token.Reveal()));
        }));
        return verb;
    }

    private static Command CreateList()
    {
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("list", "List the tokens: what they allow, for which names, and since when.")
        {
            keyFile, json,
        };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async cancelled =>
        {
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            IReadOnlyList<string> lines = await publisher.OrderAsync("TOKENS", cancelled);
            return new VerbAnswer(parsed.GetValue(json))
                .PrintList(lines.Select(Read).OfType<TokenGrant>(), Line, Facts);
        }));
        return verb;
    }

    private static Command CreateRemove()
    {
        Argument<string> id = new("id") { Description = "Its id, as 'microcdn token list' shows it.", HelpName = "ID" };
        id.Validators.Add(result =>
        {
            if (result.Tokens is not [var word] || AccessToken.IsId(Encoding.UTF8.GetBytes(word.Value))) return;
            result.AddError($"token rm wants an id of 12 hex digits, not '{Table.Word(word.Value)}'.");
        });
        IndexFlags index = new();
        Option<string?> keyFile = KeyFlags.File();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("rm", "Take a token back: who shows it is refused from now on.") { id, keyFile, json };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async cancelled =>
        {
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            await publisher.OrderAsync($"TOKEN_REMOVE {parsed.GetValue(id)}", cancelled);
            return new VerbAnswer(parsed.GetValue(json)).Print($"took back token {parsed.GetValue(id)}",
                ("removed", parsed.GetValue(id)));
        }));
        return verb;
    }

    private static TokenGrant? Read(string line)
    {
        Words words = new(Encoding.UTF8.GetBytes(line));
        return words.Next(out var verb) && verb.SequenceEqual("TOKEN"u8) ? TokenGrant.Read(words) : null;
    }

    private static string Line(TokenGrant grant)
    {
        string names = grant.Prefix.Length == 0 ? "every name" : $"{grant.Prefix}*";
        return $"{grant.Id}  {TokenGrant.TextOf(grant.Scopes),-26}  {Since(grant)}  {names}  {grant.Note}";
    }

    private static (string Key, object? Value)[] Facts(TokenGrant grant) =>
    [
        ("id", grant.Id), ("scopes", TokenGrant.TextOf(grant.Scopes).Split(',')), ("prefix", grant.Prefix),
        ("since", Since(grant)), ("note", grant.Note),
    ];

    private static string Since(TokenGrant grant) => DateTimeOffset.FromUnixTimeSeconds(Math.Max(0, grant.UnixSeconds))
        .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
