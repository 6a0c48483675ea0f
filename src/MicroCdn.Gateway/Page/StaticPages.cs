using System.Collections.Frozen;
using System.Reflection;
using System.Text;
using MicroCdn.Http;

namespace MicroCdn.Gateway.Page;

/// <summary>Serves the page that operators look at: files that are part of this program.</summary>
/// <remarks>Nobody has to say who he is for them: they are the same for everybody and know nothing. What they show,
/// they ask the admin API for. No script but these files runs, and nobody may frame them.</remarks>
public sealed class StaticPages
{
    /// <summary>What browsers are told to hold the page to: what is not from here is not loaded.</summary>
    public const string ContentSecurityPolicy =
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

    private const string Prefix = "page/";

    private static readonly byte[] Manners = Encoding.ASCII.GetBytes(
        $"Content-Security-Policy: {ContentSecurityPolicy}\r\n"
        + "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-cache\r\n"
        + "Vary: Accept-Encoding\r\n");

    private readonly FrozenDictionary<string, StaticFile> _files;
    private readonly FrozenDictionary<string, StaticFile>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    /// <summary>Takes the files from this program.</summary>
    public StaticPages()
    {
        Dictionary<string, StaticFile> files = [];
        foreach (string name in Assembly.GetExecutingAssembly().GetManifestResourceNames())
        {
            if (!name.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            files["/ui/" + name[Prefix.Length..]] = StaticFile.Embedded(name);
        }
        files["/"] = files["/ui/"] = files["/ui/index.html"];
        _files = files.ToFrozenDictionary(StringComparer.Ordinal);
        _lookup = _files.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The files by their paths.</summary>
    internal IReadOnlyDictionary<string, StaticFile> Files => _files;

    /// <summary>True for the paths that are answered here.</summary>
    public static bool IsFor(ReadOnlySpan<byte> path) =>
        path.SequenceEqual("/"u8) || path.SequenceEqual("/ui"u8) || path.StartsWith("/ui/"u8);

    /// <summary>Answers a request for one of these paths.</summary>
    public void Answer(in Request request, Response response)
    {
        if (request.Method is not (Method.Get or Method.Head))
        {
            Begin(response, HttpStatus.MethodNotAllowed);
            response.Fields("Allow: GET, HEAD\r\nContent-Type: text/plain; charset=utf-8\r\n"u8);
            response.End("Only GET and HEAD here.\n"u8);
        }
        else if (Find(request.Path) is { } file) Answer(request, response, file);
        else
        {
            Begin(response, HttpStatus.NotFound);
            response.Fields("Content-Type: text/plain; charset=utf-8\r\n"u8);
            response.End("The page has no such file.\n"u8);
        }
    }

    private StaticFile? Find(ReadOnlySpan<byte> path)
    {
        // Longer than any of them.
        Span<char> text = stackalloc char[128];
        if (path.Length > text.Length) return null;
        int length = Encoding.Latin1.GetChars(path, text);
        return _lookup.TryGetValue(text[..length], out StaticFile? file) ? file : null;
    }

    private static void Answer(in Request request, Response response, StaticFile file)
    {
        Coding coding = ContentCodings.Choose(request[Field.AcceptEncoding], Coding.Gzip);
        ReadOnlyMemory<byte> body = coding == Coding.Gzip ? file.Packed : file.Plain;
        // A tag belongs to the bytes as they are sent.
        ReadOnlySpan<byte> tag = coding == Coding.Gzip ? file.PackedTag : file.PlainTag;
        ReadOnlySpan<byte> known = request[Field.IfNoneMatch];
        if (known.SequenceEqual("*"u8) || known.IndexOf(tag) >= 0)
        {
            Begin(response, HttpStatus.NotModified);
            response.Field("ETag"u8, tag);
            response.EndEmpty();
            return;
        }
        Begin(response, HttpStatus.Ok);
        response.Field("ETag"u8, tag);
        response.Field("Content-Type"u8, file.Type);
        if (coding == Coding.Gzip) response.Field("Content-Encoding"u8, ContentCodings.NameOf(coding));
        response.EndWithMemory(body);
    }

    private static void Begin(Response response, HttpStatus status)
    {
        response.Begin(status);
        response.Fields(Manners);
    }
}
