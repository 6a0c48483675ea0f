using System.Net;
using System.Text;

namespace MicroCdn.Tests.Executable.Api;

/// <summary>An index whose answers a test says.</summary>
internal sealed class AnsweringIndex(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
{
    public List<string> Asked { get; } = [];

    public static AnsweringIndex Of(int status, string json, string type = "application/json") =>
        new(_ => Answer(status, json, type));

    public static HttpResponseMessage Answer(int status, string text, string type = "application/json") =>
        new((HttpStatusCode)status) { Content = new StringContent(text, Encoding.UTF8, type) };

    protected override Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Asked.Add($"{request.Method} {request.RequestUri!.PathAndQuery} {request.Headers.Authorization}".TrimEnd());
        return Task.FromResult(answer(request));
    }
}
