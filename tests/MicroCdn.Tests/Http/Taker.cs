using System.Text;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Tests.Http;

/// <summary>A handler that takes every request with its body, and answers when a test says so.</summary>
internal sealed class Taker(Action<Response>? atOnce = null) : IHttpHandler
{
    private Response _response;

    /// <summary>What was asked, as <c>METHOD target authority</c>.</summary>
    public List<string> Asked { get; } = [];

    public HeaderFields Fields { get; private set; } = HeaderFields.Empty;

    public RequestBody? Body { get; private set; }

    /// <summary>False to leave bodies where they are.</summary>
    public bool TakesBodies { get; init; } = true;

    public bool IsSecure { get; private set; }

    public bool Takes(in Request request) => true;

    public void Handle(in Request request, Response response, IPeer peer)
    {
        Asked.Add($"{Encoding.UTF8.GetString(request.MethodName)} {Encoding.UTF8.GetString(request.Target)} "
            + Encoding.UTF8.GetString(request.Authority));
        (Fields, _response, IsSecure) = (request.ToFields(), response, peer.IsSecure);
        if (TakesBodies) Body = request.TakeBody();
        if (atOnce is not null) atOnce(response);
        else response.Later();
    }

    public void Inform(int status, params string[] lines) =>
        _response.Inform(status, "Early Hints"u8, FieldsOf(lines));

    public void Give(Action<Response> write) => _response.Give(write);

    /// <summary>Answers with a short text.</summary>
    public void Give(string text) => Give(response =>
    {
        response.Begin(HttpStatus.Ok);
        response.End(Encoding.UTF8.GetBytes(text));
    });

    /// <summary>What can be read of the body at once, or within a moment, as text.</summary>
    public async Task<string> ReadAsync(int most = 1024)
    {
        byte[] bytes = new byte[most];
        int read = await Body!.ReadAsync(bytes, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(bytes, 0, read);
    }

    /// <summary>All of the body, to its end.</summary>
    public async Task<int> ReadAllAsync()
    {
        byte[] bytes = new byte[16 * 1024];
        int all = 0;
        while (true)
        {
            int read = await Body!.ReadAsync(bytes, TestContext.Current.CancellationToken);
            if (read == 0) return all;
            all += read;
        }
    }

    public static HeaderFields FieldsOf(params string[] lines) =>
        HeaderFields.FromLines(Encoding.Latin1.GetBytes(string.Concat(lines.Select(line => line + "\r\n"))));
}

/// <summary>A body of which a test says what comes when.</summary>
internal sealed class Drip : ILineSource, IDisposable
{
    private readonly Queue<string> _pieces = [];
    private Answer? _answer;
    private bool _isOver;

    public bool IsCut { get; set; }

    public bool IsDisposed { get; private set; }

    public void Add(string piece) => _pieces.Enqueue(piece);

    public void End() => _isOver = true;

    public void Wake() => _answer!.Wake();

    public bool Write(Answer answer)
    {
        _answer = answer;
        if (_pieces.TryDequeue(out string? piece)) answer.Write(Encoding.Latin1.GetBytes(piece));
        else if (IsCut) answer.Discard();
        return !IsCut && (!_isOver || _pieces.Count > 0);
    }

    public void Dispose() => IsDisposed = true;
}
