using System.Globalization;
using System.Text;

namespace MicroCdn.Http.Exchanges;

/// <summary>How a request is written down as one line of an access log.</summary>
public abstract class LogForm
{
    // Told where there is no status: the number that log readers know for a client that was gone before its answer.
    private const int GoneStatus = 499;

    // Each byte of a stranger's becomes six at most; beside them stand an address, numbers and names.
    internal const int MostBytes = 1024 + (6 * (Exchange.MethodBytes + Exchange.TargetBytes + Exchange.HostBytes
        + Exchange.RefererBytes + Exchange.UserAgentBytes));

    /// <summary>The combined form, with the host before and cache result and seconds behind it.</summary>
    public static LogForm Combined { get; } = new CombinedForm();

    /// <summary>An object of JSON.</summary>
    public static LogForm Json { get; } = new JsonForm();

    internal abstract string TimePattern { get; }

    /// <summary>Writes the line, with its LF; returns its length.</summary>
    internal abstract int Write(Exchange exchange, ReadOnlySpan<byte> time, Span<byte> target);

    private static int StatusOf(Exchange exchange) => exchange.Status == 0 ? GoneStatus : exchange.Status;

    private static ReadOnlySpan<byte> VersionOf(Exchange exchange) => exchange.Version switch
    {
        10 => "HTTP/1.0"u8,
        20 => "HTTP/2.0"u8,
        _ => "HTTP/1.1"u8,
    };

    private sealed class CombinedForm : LogForm
    {
        internal override string TimePattern => "dd'/'MMM'/'yyyy':'HH':'mm':'ss +0000";

        internal override int Write(Exchange exchange, ReadOnlySpan<byte> time, Span<byte> target)
        {
            LineText line = new(target);
            AddHost(ref line, exchange);
            line.Add(" "u8);
            line.Add(exchange.Client);
            line.Add(" - - ["u8);
            line.Add(time);
            line.Add("] \""u8);
            line.AddEscaped(exchange.MethodName);
            line.Add(" "u8);
            line.AddEscaped(exchange.Target);
            line.Add(" "u8);
            line.Add(VersionOf(exchange));
            line.Add("\" "u8);
            line.Add(StatusOf(exchange));
            line.Add(" "u8);
            line.Add(exchange.BodyBytes);
            line.Add(" \""u8);
            line.AddEscaped(exchange.Referer.IsEmpty ? "-"u8 : exchange.Referer);
            line.Add("\" \""u8);
            line.AddEscaped(exchange.UserAgent.IsEmpty ? "-"u8 : exchange.UserAgent);
            line.Add("\" "u8);
            line.Add(exchange.Cache.Word());
            line.Add(" "u8);
            line.Add(exchange.Duration);
            line.Add("\n"u8);
            return line.Length;
        }

        // With its port, which a client leaves out where it is the usual one.
        private static void AddHost(ref LineText line, Exchange exchange)
        {
            ReadOnlySpan<byte> host = exchange.Host;
            line.AddEscaped(host.IsEmpty ? "-"u8 : host);
            bool hasPort = host.LastIndexOf((byte)':') > host.LastIndexOf((byte)']');
            if (!hasPort) line.Add(exchange.IsSecure ? ":443"u8 : ":80"u8);
        }
    }

    private sealed class JsonForm : LogForm
    {
        internal override string TimePattern => "yyyy'-'MM'-'dd'T'HH':'mm':'ss'Z'";

        internal override int Write(Exchange exchange, ReadOnlySpan<byte> time, Span<byte> target)
        {
            LineText line = new(target);
            line.Add("{\"time\":\""u8);
            line.Add(time);
            line.Add("\",\"client\":\""u8);
            line.Add(exchange.Client);
            Text(ref line, "\",\"host\":\""u8, exchange.Host);
            Text(ref line, "\",\"method\":\""u8, exchange.MethodName);
            Text(ref line, "\",\"target\":\""u8, exchange.Target);
            line.Add("\",\"protocol\":\""u8);
            line.Add(VersionOf(exchange));
            line.Add("\",\"status\":"u8);
            line.Add(StatusOf(exchange));
            line.Add(",\"bytes\":"u8);
            line.Add(exchange.BodyBytes);
            line.Add(exchange.IsWhole ? ",\"whole\":true,\"seconds\":"u8 : ",\"whole\":false,\"seconds\":"u8);
            line.Add(exchange.Duration);
            Text(ref line, ",\"cache\":\""u8, exchange.Cache.Word());
            Text(ref line, "\",\"referer\":\""u8, exchange.Referer);
            Text(ref line, "\",\"userAgent\":\""u8, exchange.UserAgent);
            line.Add("\"}\n"u8);
            return line.Length;
        }

        private static void Text(ref LineText line, ReadOnlySpan<byte> before, ReadOnlySpan<byte> text)
        {
            line.Add(before);
            line.AddJson(text);
        }
    }
}

/// <summary>The time of day as lines have it, written anew once a second.</summary>
internal sealed class LineClock(TimeProvider time, string pattern)
{
    private long _until = long.MinValue;
    private byte[] _text = [];

    /// <summary>The text for a moment of the clock that has just been read.</summary>
    public ReadOnlySpan<byte> At(long timestamp)
    {
        if (timestamp >= _until)
        {
            DateTimeOffset now = time.GetUtcNow();
            long left = TimeSpan.TicksPerSecond - (now.Ticks % TimeSpan.TicksPerSecond);
            _until = timestamp + (left * time.TimestampFrequency / TimeSpan.TicksPerSecond);
            _text = Encoding.ASCII.GetBytes(now.UtcDateTime.ToString(pattern, CultureInfo.InvariantCulture));
        }
        return _text;
    }
}
