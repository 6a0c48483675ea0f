using System.Text;
using MicroCdn.Caching;
using MicroCdn.Content;
using MicroCdn.Origin;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Asks another cache of the fleet before an origin: the one that a path belongs to, so that all of them
/// together ask the origin once.</summary>
/// <remarks>
/// Every cache has the same list, and by <see cref="Rendezvous"/> the same one in mind, without a word between them.
/// The cache that a path belongs to asks the origin, and so does whoever was asked by another one of the list: so a
/// request goes by one parent at most, also where the lists differ. Whoever cannot be asked, or says by 503 that it has
/// not applied what we have purged (<see cref="PurgedField"/>), is passed over for the next, and the origin is asked
/// after <see cref="MostAsked"/>.
/// </remarks>
internal sealed class Shield(IReadOnlyList<Parent> parents, PurgeProgress progress) : IDisposable
{
    // Each that does not accept costs up to three seconds, until its circuit breaker knows.
    private const int MostAsked = 2;

    /// <summary>Bytes of bodies that came from parents.</summary>
    public long BodyBytes => parents.Sum(parent => parent.Server?.Counters.BodyBytes ?? 0);

    /// <summary>The answer of a parent; null when the origin is to be asked.</summary>
    /// <param name="request">What is to be asked.</param>
    /// <param name="complain">Hears of parents that fail.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async ValueTask<OriginExchange?> TryAskAsync(
        OriginRequest request, Action<string> complain, CancellationToken cancellationToken)
    {
        if (parents.Any(parent => parent.Server is not null && OriginFields.IsLoop(request.Fields, parent.NameBytes)))
        {
            return null;
        }
        OriginRequest asked = Demanding(request);
        foreach (Parent parent in InOrder(request.Target.Span).Take(MostAsked))
        {
            if (parent.Server is not { } server) return null;
            try
            {
                OriginExchange exchange = await server.SendAsync(asked, cancellationToken).ConfigureAwait(false);
                if (!MayAskAgain(request) || parent.Answered(exchange.Fields)) return exchange;
                exchange.Dispose();
                complain($"parent {parent.Id} answered {exchange.Status} by itself");
            }
            catch (OriginException exception) when (IsUnsent(exception.Failure) || MayAskAgain(request))
            {
                complain($"parent {parent.Id}: {exception.Message}");
            }
        }
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Parent parent in parents) parent.Server?.Dispose();
    }

    // Whoever has purged less must not give us an old copy back. What may have changed something takes any answer.
    private OriginRequest Demanding(OriginRequest request) =>
        !MayAskAgain(request) || progress.Demands is not { Count: > 0 } demands ? request : new OriginRequest
        {
            Method = request.Method,
            Target = request.Target,
            Fields = PurgedField.AddTo(request.Fields, demands),
            Informational = request.Informational,
        };

    // By the path alone, as the gateway does it.
    private Parent[] InOrder(ReadOnlySpan<byte> target)
    {
        int query = target.IndexOf((byte)'?');
        ulong spot = Rendezvous.SpotOf(query < 0 ? target : target[..query]);
        return [.. parents.OrderBy(parent => Rendezvous.Distance(spot, parent.Spot))];
    }

    // What may change something may have done so before the parent failed.
    private static bool MayAskAgain(OriginRequest request) => request.Body is null
        && (request.Method.Span.SequenceEqual("GET"u8) || request.Method.Span.SequenceEqual("HEAD"u8));

    private static bool IsUnsent(OriginFailure failure) => failure == OriginFailure.Unreachable
        || failure == OriginFailure.ConnectTimeout || failure == OriginFailure.UnknownHost
        || failure == OriginFailure.Forbidden || failure == OriginFailure.Tls || failure == OriginFailure.Busy
        || failure == OriginFailure.Open;
}

/// <summary>A cache that may be asked before the origin.</summary>
/// <param name="Id">The id of its server.</param>
/// <param name="Server">How it is asked; null for this one itself, which asks the origin.</param>
internal sealed record Parent(ServerId Id, OriginServer? Server)
{
    /// <summary>A parent that says nothing for so long is not waited for: half a minute is what an origin
    /// gets.</summary>
    public static readonly TimeSpan FirstByteTime = TimeSpan.FromSeconds(10);

    /// <summary>Its name in Cache-Status and CDN-Loop.</summary>
    public byte[] NameBytes { get; } = Encoding.ASCII.GetBytes(PullOptions.NameOf(Id));

    /// <summary>Its id as <see cref="Rendezvous"/> has it.</summary>
    public ulong Spot { get; } = Rendezvous.SpotOf(Encoding.UTF8.GetBytes(Id.Value));

    /// <summary>True when an answer is a copy's or an origin's: then Cache-Status ends with this cache. What it says of
    /// its own (no origin for such a path, origin not reached, a loop, too busy) is no answer to our client's
    /// question.</summary>
    public bool Answered(HeaderFields fields)
    {
        for (int line = fields.Count - 1; line >= 0; line--)
        {
            if (!fields.IsNamed(line, "Cache-Status"u8)) continue;
            ReadOnlySpan<byte> last = fields.ValueAt(line);
            return last.StartsWith(NameBytes) && (last.Length == NameBytes.Length || last[NameBytes.Length] == ';');
        }
        return false;
    }
}
