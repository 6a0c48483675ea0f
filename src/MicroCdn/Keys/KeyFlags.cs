using System.CommandLine;
using MicroCdn.Protocol;
using MicroCdn.Verbs;

namespace MicroCdn.Keys;

/// <summary>The flags by which a role is told its key, and what it asks of others.</summary>
internal sealed class KeyFlags
{
    /// <summary>The name under which systemd hands over the key (LoadCredential=).</summary>
    public const string CredentialName = "microcdn.key";

    private readonly Option<string?> _file = File();

    private readonly Option<string?> _mode = Flags.Text("--auth", "MODE",
        "What is asked of those who send control messages: off, permissive or required; required by default once "
        + "there is a key.", "off, permissive or required", text => ModeOf(text) is not null);

    /// <summary>The flags, added to a verb.</summary>
    public static KeyFlags AddedTo(Command verb)
    {
        KeyFlags flags = new();
        verb.Options.Add(flags._file);
        verb.Options.Add(flags._mode);
        return flags;
    }

    public KeyChoice Read(ParseResult parsed)
    {
        AuthMode? mode = parsed.GetValue(_mode) is { } text ? ModeOf(text) : null;
        return Choose(parsed.GetValue(_file), mode);
    }

    /// <summary>The flag that names the file; a key itself is never a flag.</summary>
    public static Option<string?> File() => Flags.Path(new Option<string?>("--key-file")
    {
        Description = "The file that holds the cluster key, or this server's own; by default the systemd credential "
            + $"{CredentialName}, where there is one. Read again when it changes.",
        HelpName = "FILE",
    });

    /// <summary>The file that was named, or else the one that systemd hands over.</summary>
    public static KeyChoice Choose(string? file, AuthMode? mode)
    {
        if (file is not null) return new KeyChoice(file, false, mode);
        string? credential = SecretFile.Credential(CredentialName);
        return new KeyChoice(credential, credential is not null, mode);
    }

    private static AuthMode? ModeOf(string text) => text switch
    {
        "off" => AuthMode.Off,
        "permissive" => AuthMode.Permissive,
        "required" => AuthMode.Required,
        _ => null,
    };
}
