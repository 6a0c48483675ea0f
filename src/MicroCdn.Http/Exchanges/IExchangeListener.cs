namespace MicroCdn.Http.Exchanges;

/// <summary>Hears of each request once its answer has left, or was cut.</summary>
/// <remarks>It is called on the event loop that sent the answer, by several loops at once, and hundreds of others wait
/// meanwhile: no lock, no I/O, nothing that may fail.</remarks>
public interface IExchangeListener
{
    /// <summary>Hears of one; it is good during the call alone.</summary>
    void Ended(Exchange exchange);
}

/// <summary>Tells several listeners.</summary>
public sealed class ExchangeListeners(params IReadOnlyList<IExchangeListener> listeners) : IExchangeListener
{
    private readonly IExchangeListener[] _listeners = [.. listeners];

    /// <inheritdoc/>
    public void Ended(Exchange exchange)
    {
        foreach (IExchangeListener listener in _listeners) listener.Ended(exchange);
    }
}
