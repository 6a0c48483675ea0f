using System.CommandLine;
using MicroCdn.Client;
using MicroCdn.Gateway.Admin;
using MicroCdn.Verbs;

namespace MicroCdn.Api;

/// <summary>The flags of the verbs that ask the admin API of an index: which one, and by which token.</summary>
internal sealed class ApiFlags
{
    // A token has some sixty letters.
    private const int MostTokenBytes = 1_024;

    private readonly Option<Uri> _admin = AdminFlag();

    private readonly Option<string?> _token = Flags.Path(new Option<string?>("--token-file")
    {
        Description = "The file that holds the token; by default admin.token in the index's state folder, for an index "
            + "on this machine.",
        HelpName = "FILE",
    });

    /// <summary>The flag for the admin port alone.</summary>
    public static Option<Uri> AdminFlag(
        string name = "--admin", string description = "The admin port of the index.") => new(name)
    {
        Description = description,
        HelpName = "URL",
        DefaultValueFactory = _ => new Uri("http://127.0.0.1:8081"),
        CustomParser = result => Flags.Read<Uri>(result, name,
            "the URL of an admin port, such as http://127.0.0.1:8081", TryUrl)!,
    };

    /// <summary>Adds the flags to a verb.</summary>
    public void AddTo(Command verb)
    {
        verb.Options.Add(_admin);
        verb.Options.Add(_token);
    }

    /// <summary>A client of that index.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="patience">How long an answer may take; null for as long as usual.</param>
    /// <exception cref="CdnException">The token cannot be read.</exception>
    public ApiClient Open(ParseResult parsed, TimeSpan? patience = null)
    {
        Uri admin = parsed.GetValue(_admin)!;
        string? named = parsed.GetValue(_token);
        // The token of this machine's index is for no other one.
        string? usual = IsHere(admin) ? Path.Combine(StateFolder.OfIndex, AdminRole.TokenFile) : null;
        string? token = named is not null ? Read(named) : usual is null ? null : TryRead(usual);
        return new ApiClient(admin, token, named ?? (token is null ? null : usual))
        {
            Patience = patience ?? ApiClient.UsualPatience,
        };
    }

    private static bool IsHere(Uri admin) => admin.IsLoopback;

    private static string Read(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            byte[] text = new byte[MostTokenBytes];
            int length = stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
            string token = System.Text.Encoding.ASCII.GetString(text, 0, length).Trim();
            return token.Length > 0 && length < text.Length && !token.Any(letter => letter is <= ' ' or > '~') ? token
                : throw new CdnException(CdnFailure.Refused, $"'{file}' holds no token: one line, as 'microcdn token "
                    + "add' prints it.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CdnException(CdnFailure.Refused,
                $"the token cannot be read from '{file}': {exception.Message}", exception);
        }
    }

    private static string? TryRead(string file)
    {
        try
        {
            return Read(file);
        }
        catch (CdnException)
        {
            // The index will say that it wants one.
            return null;
        }
    }

    private static bool TryUrl(string text, out Uri? url)
    {
        bool isUrl = Uri.TryCreate(text, UriKind.Absolute, out url)
            && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps) && url.Host.Length > 0
            && url.UserInfo.Length == 0 && url.Query.Length == 0;
        return isUrl;
    }
}
