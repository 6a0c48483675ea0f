using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Http;

/// <summary>Writes one response: a status, fields, and a body from memory, from a file, or in pieces.</summary>
/// <remarks>
/// The order is <see cref="Begin"/>, any number of fields, then one of the ends; the end writes Content-Length and
/// knows that a HEAD request gets no body. A head must stay below 4 KiB, but for one of another server
/// (<see cref="BeginRelayed"/>). A response may be given later, from another
/// thread: see <see cref="Later"/>.
/// </remarks>
public readonly struct Response
{
    private readonly Answer _answer;
    private readonly DateField _date;
    private readonly byte[] _crossOrigin;
    private readonly int _mark;
    private readonly bool _headOnly;
    private readonly bool _keepsAlive;
    private readonly bool _isOld;
    private readonly bool _isFramed;
    private readonly RequestBody? _body;
    private readonly Exchange? _exchange;

    internal Response(Answer answer, HttpService service, in Request request, Exchange? exchange)
    {
        _exchange = exchange;
        (_answer, _date, _mark) = (answer, service.Date, answer.UnsentBytes);
        _crossOrigin = service.CrossOrigin.FieldsFor(request);
        (_headOnly, _keepsAlive, _isOld) = (request.Method == Method.Head, request.KeepsAlive, request.IsOld);
        (_isFramed, _body) = (request.IsFramed, request.Body);
    }

    private Response(Response other)
    {
        this = other;
        _mark = _answer.UnsentBytes;
    }

    /// <summary>True when the body will not be sent, so that nobody has to fetch it.</summary>
    public bool IsHeadOnly => _headOnly;

    // While the body still comes nobody can tell where the next request begins.
    private bool KeepsAlive => _keepsAlive && (_isFramed || _body is not { IsWhole: false });

    /// <summary>Writes the status line and the fields that every response has.</summary>
    public void Begin(HttpStatus status)
    {
        if (_exchange is not null) _exchange.Status = status.Code;
        _answer.Write(status.Line);
        _date.Write(_answer);
        if (!KeepsAlive) _answer.Write("Connection: close\r\n"u8);
        else if (_isOld) _answer.Write("Connection: keep-alive\r\n"u8);
        _answer.Write(_crossOrigin);
    }

    /// <summary>Begins with another server's head: its words and fields as they came, without those about its
    /// connection and its framing. More fields may follow, of up to <see cref="HttpLimits.HeadBytes"/>.</summary>
    /// <param name="status">The status code, of three digits.</param>
    /// <param name="reason">The words behind it, without CR and LF.</param>
    /// <param name="fields">The fields, of at most <see cref="HttpLimits.RelayedHeadBytes"/>. Date is added when there
    /// is none; what lets pages of other origins read, when the server says nothing of it itself.</param>
    public void BeginRelayed(int status, ReadOnlySpan<byte> reason, HeaderFields fields)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            fields.Bytes.Length + reason.Length, HttpLimits.RelayedHeadBytes);
        if (_exchange is not null) _exchange.Status = status;
        _answer.Reserve(fields.Bytes.Length + reason.Length + HttpLimits.HeadBytes);
        WriteLine(_answer, status, reason);
        RelayedFields relayed = RelayedFields.Write(fields, _answer);
        if (!relayed.HasDate) _date.WriteAlone(_answer);
        if (!relayed.IsCrossOrigin) _answer.Write(_crossOrigin);
        if (KeepsAlive && !_isOld) return;
        // An old client may have to see the end of the body in that of the connection.
        _answer.Write("Connection: close\r\n"u8);
        _answer.Close();
    }

    /// <summary>Says what part a cache had in the response, for those who keep count of requests.</summary>
    public void Note(CacheResult result)
    {
        if (_exchange is not null) _exchange.Cache = result;
    }

    /// <summary>Says what is done with the request, in one word of few, for its span.</summary>
    public void NoteRoute(string route)
    {
        if (_exchange is not null) _exchange.Route = route;
    }

    /// <summary>The span of the request; null for nearly all. Good until the answer has left.</summary>
    public Activity? Span => _exchange?.Span;

    /// <summary>Says for which origin the request was, by its number, for those who keep count of requests.</summary>
    public void NoteOrigin(int number)
    {
        if (_exchange is not null) _exchange.Origin = number;
    }

    /// <summary>Writes a field; the value must hold neither CR nor LF.</summary>
    public void Field(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        _answer.Write(name);
        _answer.Write(": "u8);
        _answer.Write(value);
        _answer.Write("\r\n"u8);
    }

    /// <summary>Writes a field whose value is a number.</summary>
    public void Field(ReadOnlySpan<byte> name, long value)
    {
        _answer.Write(name);
        _answer.Write(": "u8);
        _answer.WriteNumber(value);
        _answer.Write("\r\n"u8);
    }

    /// <summary>Writes fields that are ready as they are sent, each with its CR LF.</summary>
    public void Fields(ReadOnlySpan<byte> lines) => _answer.Write(lines);

    /// <summary>Ends with a body that is at hand.</summary>
    public void End(ReadOnlySpan<byte> body)
    {
        EndHead(body.Length);
        if (!_headOnly) _answer.Write(body);
        Close();
    }

    /// <summary>Ends without a body and without a length, as 204 and 304 do.</summary>
    public void EndEmpty()
    {
        _answer.Write("\r\n"u8);
        _exchange?.BodyBegins(_answer);
        Close();
    }

    /// <summary>Ends without a body, with the length that it would have: for HEAD, and for 304.</summary>
    public void EndEmpty(long length)
    {
        EndHead(length);
        Close();
    }

    /// <summary>Ends with a body that stays in memory until it is sent: one for which there is room leaves with its
    /// head.</summary>
    /// <param name="body">The body.</param>
    /// <param name="owner">Disposed when it is not needed any more.</param>
    public void EndWithMemory(ReadOnlyMemory<byte> body, IDisposable? owner = null)
    {
        EndHead(body.Length);
        if (_headOnly || body.Length <= _answer.Room)
        {
            if (!_headOnly) _answer.Write(body.Span);
            owner?.Dispose();
        }
        else _answer.SendList(new PageSource(body, owner));
        Close();
    }

    /// <summary>Ends with a body whose length only its end tells: in chunks, or until the connection closes for an old
    /// client. A source that cannot go on calls <see cref="Answer.Discard"/>, and the client sees that it was
    /// cut.</summary>
    public void EndWithStream(ILineSource source)
    {
        bool isChunked = !_headOnly && !_isOld && !_isFramed;
        _answer.Write(isChunked ? "Transfer-Encoding: chunked\r\n\r\n"u8 : "\r\n"u8);
        _exchange?.BodyBegins(_answer);
        if (_headOnly) (source as IDisposable)?.Dispose();
        else _answer.SendList(isChunked ? new ChunkedSource(source) : source);
        if (_isOld && !_headOnly)
        {
            _answer.EndsWithConnection = true;
            _answer.Close();
        }
        Close();
    }

    /// <summary>Ends with part of a file; the file is released when it was sent.</summary>
    /// <returns>False, with the file not taken and everything since <see cref="Begin"/> taken back, when the file
    /// cannot be read as announced.</returns>
    public bool EndWithFile(IFileSource file, long offset, long length)
    {
        EndHead(length);
        if (_headOnly || length == 0) file.Release();
        else if (!_answer.SendFile([], file, offset, length))
        {
            _answer.TakeBack(_mark);
            return false;
        }
        Close();
        return true;
    }

    /// <summary>Ends with a body that a source writes piece by piece, of exactly the given length.</summary>
    public void EndWithPieces(ILineSource source, long length)
    {
        EndHead(length);
        if (_headOnly) (source as IDisposable)?.Dispose();
        else _answer.SendList(source);
        Close();
    }

    /// <summary>Postpones the response: the connection takes no further request until <see cref="Give"/> is called,
    /// which must happen exactly once.</summary>
    /// <param name="preparation">Disposed when the connection ends before: nobody wants the response any
    /// more.</param>
    public void Later(IDisposable? preparation = null) => _answer.Later(preparation);

    /// <summary>Tells an interim response (1xx) while the response is postponed; callable from any thread. Not told to
    /// old clients (RFC 9110, section 15.2), nor 100 and 101, which are between us and the other server.</summary>
    public void Inform(int status, ReadOnlySpan<byte> reason, HeaderFields fields)
    {
        if (_isOld || status is < 102 or > 199 || fields.Bytes.Length > HttpLimits.InterimBytes) return;
        ArrayBufferWriter<byte> head = new(fields.Bytes.Length + reason.Length + 32);
        WriteLine(head, status, reason);
        RelayedFields.Write(fields, head);
        head.Write("\r\n"u8);
        _answer.Interject(head.WrittenSpan.ToArray());
    }

    /// <summary>Writes the response that was postponed, on the connection's own thread; callable from any.</summary>
    public void Give(Action<Response> write)
    {
        Response response = this;
        _answer.Complete(_ => write(new Response(response)));
    }

    /// <summary>A short plain text of our own: an error, mostly.</summary>
    public void Explain(HttpStatus status, string sentence)
    {
        Begin(status);
        Field("Content-Type"u8, "text/plain; charset=utf-8"u8);
        Field("X-Content-Type-Options"u8, "nosniff"u8);
        Span<byte> text = stackalloc byte[512];
        System.Text.Unicode.Utf8.FromUtf16(sentence, text[..^1], out _, out int length);
        text[length] = (byte)'\n';
        End(text[..(length + 1)]);
    }

    private void EndHead(long length)
    {
        _answer.Write("Content-Length: "u8);
        _answer.WriteNumber(length);
        _answer.Write("\r\n\r\n"u8);
        _exchange?.BodyBegins(_answer);
    }

    private static void WriteLine(IBufferWriter<byte> output, int status, ReadOnlySpan<byte> reason)
    {
        Span<byte> code = stackalloc byte[3];
        status.TryFormat(code, out _, default, CultureInfo.InvariantCulture);
        output.Write("HTTP/1.1 "u8);
        output.Write(code);
        output.Write(" "u8);
        output.Write(reason);
        output.Write("\r\n"u8);
    }

    private void Close()
    {
        if (!KeepsAlive) _answer.Close();
    }
}

/// <summary>The Date and Server fields, written anew once a second.</summary>
internal sealed class DateField(TimeProvider time)
{
    private State _state = new(-1, []);

    private static ReadOnlySpan<byte> Server => "Server: microcdn\r\n"u8;

    public void Write(IBufferWriter<byte> output) => output.Write(Fields());

    /// <summary>Writes Date without Server: for what another server says.</summary>
    public void WriteAlone(IBufferWriter<byte> output) => output.Write(Fields()[Server.Length..]);

    private ReadOnlySpan<byte> Fields()
    {
        long now = time.GetTimestamp() / time.TimestampFrequency;
        State state = Volatile.Read(ref _state);
        if (state.Second != now)
        {
            byte[] fields = [.. Server, .. "Date: "u8, .. new byte[29], .. "\r\n"u8];
            HttpDate.Format(time.GetUtcNow().ToUnixTimeSeconds(), fields.AsSpan(fields.Length - 31, 29));
            Volatile.Write(ref _state, state = new State(now, fields));
        }
        return state.Fields;
    }

    private sealed record State(long Second, byte[] Fields);
}
