using System.Buffers.Text;
using System.Net;
using MicroCdn.Access;

namespace MicroCdn.Http;

/// <summary>Stands before the handler of a port: what the table of access does not let through goes no
/// further.</summary>
/// <param name="time">The clock.</param>
public sealed class Gate(TimeProvider time)
{
    private const long TicksOfSecond = TimeSpan.TicksPerSecond;

    private AccessTable _table = AccessTable.Open;

    /// <summary>The table that counts; another one takes its place whole.</summary>
    public AccessTable Table
    {
        get => Volatile.Read(ref _table);
        set => Volatile.Write(ref _table, value);
    }

    /// <summary>Looks at a request; when it may not pass, it is answered.</summary>
    /// <returns>True when it may pass.</returns>
    internal bool Admits(in Request request, Response response, IPAddress client)
    {
        AccessTable table = Table;
        if (table.Rules.Count == 0 || IsHealth(request.Path)) return true;
        Span<byte> path = stackalloc byte[SignedLink.MostBytes];
        // What is asked of the server itself ('OPTIONS *') is asked of all of it.
        ReadOnlySpan<byte> asked = request.Path[0] == '/' ? request.Path : "/"u8;
        if (!RequestPath.TryRead(asked, path, out int length, out bool isCut))
        {
            // Where rules tell paths apart, whoever serves it must not read it in another way.
            if (table.TellsPaths) response.Explain(HttpStatus.BadRequest, "This path can be read in two ways.");
            if (table.TellsPaths) return false;
            (length, isCut) = (1, true);
            path[0] = (byte)'/';
        }
        Verdict verdict = table.Judge(new Visit
        {
            Path = path[..length],
            IsCut = isCut,
            Query = request.Query,
            Client = client,
            Referrer = request[Field.Referer],
            Now = time.GetUtcNow().ToUnixTimeSeconds(),
            Ticks = time.GetElapsedTime(0).Ticks,
        });
        if (verdict.IsAdmitted) return true;
        Refuse(response, verdict);
        return false;
    }

    private static void Refuse(Response response, Verdict verdict)
    {
        if (verdict.Action == RuleAction.Rate)
        {
            Span<byte> seconds = stackalloc byte[20];
            Utf8Formatter.TryFormat((verdict.Wait + TicksOfSecond - 1) / TicksOfSecond, seconds, out int digits);
            response.Begin(HttpStatus.TooManyRequests);
            response.Field("Retry-After"u8, seconds[..digits]);
        }
        else response.Begin(HttpStatus.Forbidden);
        // What one client may not have, another may.
        response.Fields("Cache-Control: no-store\r\nContent-Type: text/plain; charset=utf-8\r\n"u8);
        response.End(verdict switch
        {
            { Action: RuleAction.Rate } => "These are too many requests; try again later.\n"u8,
            { Fault: LinkFault.Expired } => "This link has expired.\n"u8,
            { Fault: LinkFault.Elsewhere } => "This link is good for another network.\n"u8,
            { Fault: LinkFault.Missing } => "This needs a signed link.\n"u8,
            { Fault: LinkFault.Wrong } => "The signature of this link is wrong.\n"u8,
            _ => "This may not be had from where you are.\n"u8,
        });
    }

    // Asked by load balancers, wherever they stand.
    private static bool IsHealth(ReadOnlySpan<byte> path) =>
        path.SequenceEqual("/healthz"u8) || path.SequenceEqual("/readyz"u8);
}
