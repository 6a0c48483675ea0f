using System.Text.Json;
using MicroCdn.Http;

namespace MicroCdn.Gateway.Admin;

/// <summary>Why something was not done, for programs and for people (RFC 9457).</summary>
/// <param name="Status">The status of the answer.</param>
/// <param name="Detail">One sentence.</param>
/// <param name="Fields">Further fields of the answer, each with its CR LF.</param>
internal sealed record Problem(HttpStatus Status, string Detail, string Fields = "")
{
    // For people who look at what curl prints; as JSON nothing of it is taken for HTML.
    private static readonly JsonWriterOptions Readable = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The same for one that passes by itself.</summary>
    public static Problem Later(HttpStatus status, string detail, int seconds = 5) =>
        new(status, detail, $"Retry-After: {seconds}\r\n");

    /// <summary>Answers with it.</summary>
    public void Write(Response response)
    {
        using MemoryStream page = new();
        using (Utf8JsonWriter json = new(page, Readable))
        {
            json.WriteStartObject();
            json.WriteString("title"u8, Status.Phrase);
            json.WriteNumber("status"u8, Status.Code);
            json.WriteString("detail"u8, Detail);
            json.WriteEndObject();
        }
        page.WriteByte((byte)'\n');
        response.Begin(Status);
        response.Fields(System.Text.Encoding.ASCII.GetBytes(Fields));
        response.Fields("Content-Type: application/problem+json\r\nX-Content-Type-Options: nosniff\r\n"u8);
        response.Fields("Cache-Control: no-store\r\n"u8);
        response.End(page.ToArray());
    }
}
