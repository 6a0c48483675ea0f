using System.Text;
using MicroCdn.Http.Exchanges;

namespace MicroCdn.Tests.Http.Exchanges;

/// <summary>Keeps what it hears of requests, one line each.</summary>
internal sealed class ExchangeBook : IExchangeListener
{
    /// <summary>As <c>VERSION METHOD target status bytes whole</c>.</summary>
    public List<string> Lines { get; } = [];

    /// <summary>As <c>client host referer user-agent cache</c>.</summary>
    public List<string> About { get; } = [];

    public List<double> Milliseconds { get; } = [];

    public void Ended(Exchange exchange)
    {
        string end = exchange.IsWhole ? "whole" : "cut";
        Lines.Add($"{exchange.Version} {Text(exchange.MethodName)} {Text(exchange.Target)} {exchange.Status} "
            + $"{exchange.BodyBytes} {end}");
        About.Add($"{exchange.Client} {Text(exchange.Host)} {Text(exchange.Referer)} {Text(exchange.UserAgent)} "
            + Text(exchange.Cache.Word()));
        Milliseconds.Add(exchange.Duration.TotalMilliseconds);
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);
}
