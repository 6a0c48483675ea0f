namespace MicroCdn.Http;

/// <summary>Reads and writes the dates of HTTP fields (RFC 9110, section 5.6.7).</summary>
public static class HttpDate
{
}
