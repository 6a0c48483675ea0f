using System.Text.Json.Serialization.Metadata;
using MicroCdn.Gateway.Admin;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway.Api;

/// <summary>One thing that the API does: a method on a path, who may, what it takes and gives.</summary>
/// <param name="Method">The method.</param>
/// <param name="Path">The path below <see cref="Root"/>; a part in braces stands for any text, the last one also for
/// text with slashes when it is <c>{name}</c> or <c>{prefix}</c>.</param>
/// <param name="Summary">What it does, in a few words.</param>
/// <param name="Answer">Does it.</param>
internal sealed record ApiRoute(string Method, string Path, string Summary, Func<ApiCall, Task<ApiAnswer>> Answer)
{
    /// <summary>One that takes the bytes of its body as they come, and answers by itself.</summary>
    public ApiRoute(string method, string path, string summary, BeginUpload upload)
        : this(method, path, summary, _ => throw new InvalidOperationException("it answers by itself")) =>
        Upload = upload;

    /// <summary>Where the API begins.</summary>
    public const string Root = "/api/v1";

    /// <summary>Any of these scopes allows it; none for what needs no token.</summary>
    public TokenScopes Scopes { get; init; } = TokenScopes.Read | TokenScopes.Publish | TokenScopes.Purge;

    /// <summary>Whether a token that is limited to a prefix may come: the route looks at the names itself.</summary>
    public bool KnowsPrefixes { get; init; }

    /// <summary>What may stand behind the question mark.</summary>
    public IReadOnlyList<QueryKey> Query { get; init; } = [];

    /// <summary>What the body is; null when there is none.</summary>
    public JsonTypeInfo? Takes { get; init; }

    /// <summary>Takes the bytes of a file; null when the body is no file.</summary>
    public BeginUpload? Upload { get; }

    /// <summary>What the answer is; null when it has no body.</summary>
    public JsonTypeInfo? Gives { get; init; }

    /// <summary>The status of the answer when all goes well.</summary>
    public int Status { get; init; } = 200;

    /// <summary>Whether it knows <c>ETag</c> and <c>If-Match</c>.</summary>
    public bool HasEntityTag { get; init; }

    /// <summary>Whether it may also be had as a stream of events.</summary>
    public bool IsStream { get; init; }

    /// <summary>Whether it changes something.</summary>
    public bool IsChange => Method != "GET";

    /// <summary>The parts of the path.</summary>
    public string[] Parts { get; } = Path[1..].Split('/');

    /// <summary>Whether the last part takes slashes too.</summary>
    public bool IsOpen => Parts[^1] is "{name}" or "{prefix}";
}

/// <summary>Begins to take the bytes of a file, on the connection's thread.</summary>
/// <returns>Null when it is answered later, else why it is not done: who will be refused is not asked for his
/// bytes.</returns>
/// <exception cref="ProblemException">The same.</exception>
internal delegate Problem? BeginUpload(in Request request, Response response, ApiCall call);

/// <summary>A key that may stand behind the question mark.</summary>
/// <param name="Name">The key.</param>
/// <param name="Meaning">What it is for, and what is allowed.</param>
/// <param name="IsRequired">Whether it must be there.</param>
internal sealed record QueryKey(string Name, string Meaning, bool IsRequired = false)
{
    /// <summary>How many.</summary>
    public static readonly QueryKey Limit = new("limit", "The most items of the answer, 1 to 1000; 100 when left out.");

    /// <summary>From where on.</summary>
    public static readonly QueryKey After = new("after", "The 'next' of the page before.");
}
