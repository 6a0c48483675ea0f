using System.Text;
using System.Text.Json;
using MicroCdn.Http;
using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Http.Exchanges;

// docs/logs.md: what a line of the access log looks like, and what happens when it cannot be written.
public sealed class AccessLogTests
{
    private readonly Memory _sink = new();
    private readonly LogBook _book = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 29, 12, 54, 20, TimeSpan.Zero));
    private readonly Answerer _answerer = new();

    [Fact]
    public void A_combined_line_has_host_client_time_request_status_bytes_referer_program_cache_and_seconds()
    {
        using AccessLog log = Log(LogForm.Combined);
        Wire wire = Ask(log, "GET /later?q=1 HTTP/1.1\r\nHost: cdn.example:8080\r\nReferer: https://r/\r\n"
            + "User-Agent: Mozilla/5.0 (X)\r\n\r\n");
        _time.Advance(TimeSpan.FromMilliseconds(2_012.345));
        _answerer.Give(1024);
        wire.Turn();
        log.Drain();
        Assert.Equal("cdn.example:8080 127.0.0.1 - - [29/Nov/2026:12:54:22 +0000] \"GET /later?q=1 HTTP/1.1\" "
            + "404 1024 \"https://r/\" \"Mozilla/5.0 (X)\" - 2.012345\n", _sink.Text);
    }

    [Fact]
    public void What_was_not_said_is_a_dash_and_the_usual_port_is_told()
    {
        using AccessLog log = Log(LogForm.Combined);
        Ask(log, "GET /a HTTP/1.0\r\n\r\n");
        Ask(log, "GET /a HTTP/1.1\r\nHost: [::1]\r\n\r\n");
        Ask(log, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n").Conversation.End();
        log.Drain();
        string[] lines = _sink.Text.Split('\n');
        Assert.Equal("-:80 127.0.0.1 - - [29/Nov/2026:12:54:20 +0000] \"GET /a HTTP/1.0\" 200 0 \"-\" \"-\" - "
            + "0.000000", lines[0]);
        Assert.StartsWith("[::1]:80 127.0.0.1 ", lines[1], StringComparison.Ordinal);
        Assert.Contains("\" 499 0 \"", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_a_client_sends_stays_in_its_place_of_one_line()
    {
        using AccessLog log = Log(LogForm.Combined);
        AskHostile(log);
        log.Drain();
        Assert.EndsWith("\"GET /\\x22\\xFF\\xC3\\xA9 HTTP/1.1\" 200 0 \"\\x5C\\x22 - \\x09;\" "
            + "\"\\xC3(\\xED\\xA0\\x80\" - 0.000000\n", _sink.Text, StringComparison.Ordinal);
        Assert.Equal(1, _sink.Text.Count(letter => letter == '\n'));
    }

    [Fact]
    public void A_line_of_JSON_is_an_object_whatever_a_client_sends()
    {
        using AccessLog log = Log(LogForm.Json);
        AskHostile(log);
        log.Drain();
        using JsonDocument line = JsonDocument.Parse(_sink.Bytes);
        Assert.Equal("/\"\uFFFD\u00E9", line.RootElement.GetProperty("target").GetString());
        Assert.Equal("\\\" - \t;", line.RootElement.GetProperty("referer").GetString());
        Assert.StartsWith("\uFFFD(\uFFFD", line.RootElement.GetProperty("userAgent").GetString(),
            StringComparison.Ordinal);
        Assert.Equal(1, _sink.Text.Count(letter => letter == '\n'));
    }

    [Fact]
    public void A_line_of_JSON_has_what_the_page_says()
    {
        using AccessLog log = Log(LogForm.Json);
        Ask(log, "GET /a/5 HTTP/1.1\r\nHost: x:1\r\nReferer: r\r\nUser-Agent: u\r\n\r\n");
        log.Drain();
        Assert.Equal("{\"time\":\"2026-11-29T12:54:20Z\",\"client\":\"127.0.0.1\",\"host\":\"x:1\",\"method\":\"GET\","
            + "\"target\":\"/a/5\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes\":5,\"whole\":true,"
            + "\"seconds\":0.000000,\"cache\":\"-\",\"referer\":\"r\",\"userAgent\":\"u\"}\n", _sink.Text);
    }

    [Theory]
    [InlineData('\0')]
    [InlineData('\u00FF')]
    public void The_longest_line_has_room(char worst)
    {
        // A control character cannot come; what is no UTF-8 can, and a quote, which is longer in JSON.
        string text = new(worst == '\0' ? '"' : worst, 5_000);
        foreach (LogForm form in new[] { LogForm.Combined, LogForm.Json })
        {
            using AccessLog log = Log(form);
            Ask(log, $"GET /{text} HTTP/1.1\r\nHost: {new string('h', 3_000)}\r\nReferer: {text}\r\n\r\n");
            log.Drain();
        }
        Assert.Equal(2, _sink.Text.Count(letter => letter == '\n'));
    }

    [Fact]
    public void When_lines_come_faster_than_they_are_written_some_are_dropped_and_the_log_says_how_many()
    {
        using AccessLog log = new(_sink, LogForm.Combined, new Complaints(_book, _time), _time, ringBytes: 1_000);
        for (int number = 0; number < 30; number++) Ask(log, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        log.Drain();
        int written = _sink.Text.Count(letter => letter == '\n');
        Assert.InRange(written, 5, 20);
        Assert.Equal(30 - written, log.Missing);
        Assert.Equal([$"requests that are missing in the access log: {30 - written}; it could not be written "
            + "as fast as they came"], _book.Lines);
        // And goes on.
        Ask(log, "GET /after HTTP/1.1\r\nHost: x\r\n\r\n");
        log.Drain();
        Assert.Contains("GET /after ", _sink.Text.Split('\n')[^2], StringComparison.Ordinal);
        Assert.All(_sink.Text.Split('\n')[..^1], line => Assert.StartsWith("x:80 127.0.0.1 ", line,
            StringComparison.Ordinal));
    }

    [Fact]
    public void A_full_disk_is_told_at_a_bounded_rate_and_ends_nothing()
    {
        using AccessLog log = Log(LogForm.Combined);
        _sink.Failure = "'/log': No space left on device";
        for (int number = 0; number < 20; number++)
        {
            Ask(log, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
            log.Drain();
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal(2, _book.Lines.Length);
        Assert.Equal("requests that are missing in the access log: 1; '/log': No space left on device", _book.Lines[0]);
        Assert.Contains(" log: 10; ", _book.Lines[1], StringComparison.Ordinal);
        _sink.Failure = null;
        Ask(log, "GET /after HTTP/1.1\r\nHost: x\r\n\r\n");
        log.Drain();
        Assert.Contains("GET /after ", _sink.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void It_is_opened_anew_between_two_lines_and_stays_open_when_that_fails()
    {
        using AccessLog log = Log(LogForm.Combined);
        Ask(log, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        log.Reopen();
        log.Drain();
        Assert.Equal(1, _sink.Reopened);
        log.Drain();
        Assert.Equal(1, _sink.Reopened);
        _sink.Failure = "no such folder";
        log.Reopen();
        log.Drain();
        Assert.Equal(["the access log goes on in the file that it had: no such folder"], _book.Lines);
    }

    [Fact]
    public void What_was_told_before_the_end_is_written_by_then()
    {
        AccessLog log = Log(LogForm.Combined);
        log.Start();
        Ask(log, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        log.Dispose();
        Assert.Contains("GET /a ", _sink.Text, StringComparison.Ordinal);
    }

    private AccessLog Log(LogForm form) => new(_sink, form, new Complaints(_book, _time), _time);

    private void AskHostile(AccessLog log) => Ask(log,
        [.. "GET /\""u8, 0xFF, 0xC3, 0xA9, .. " HTTP/1.1\r\nHost: x\r\n"u8,
        .. "Referer: \\\" - \t;\r\nUser-Agent: "u8, 0xC3, (byte)'(', 0xED, 0xA0, 0x80, .. "\r\n\r\n"u8]);

    private Wire Ask(AccessLog log, string request) => Ask(log, Encoding.Latin1.GetBytes(request));

    private Wire Ask(AccessLog log, byte[] request) =>
        new Wire(new HttpService(_answerer, new TrustedNetworks([]), new Complaints(_book, _time), _time)
        {
            Listener = log,
        }).Receive(request);

    private sealed class Memory : ILogSink
    {
        private readonly MemoryStream _bytes = new();

        public string? Failure { get; set; }

        public int Reopened { get; private set; }

        public byte[] Bytes => _bytes.ToArray();

        public string Text => Encoding.UTF8.GetString(Bytes);

        public void Write(ReadOnlySpan<byte> bytes)
        {
            if (Failure is not null) throw new IOException(Failure);
            _bytes.Write(bytes);
        }

        public void Reopen()
        {
            if (Failure is not null) throw new IOException(Failure);
            Reopened++;
        }
    }
}
