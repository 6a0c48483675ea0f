namespace MicroCdn.Http.Exchanges;

/// <summary>Hears of each request once its answer has left, or was cut.</summary>
/// <remarks>It is called on the event loop that sent the answer, by several loops at once, and hundreds of others wait
/// meanwhile: no lock, no I/O, nothing that may fail.</remarks>
public interface IExchangeListener
{
    /// <summary>Whether it reads what was said in the request (method, target, host, referer, agent) and who the client
    /// is: what nobody reads is not copied.</summary>
    bool NeedsText => true;

    /// <summary>Hears that bytes of a long body left, while it is sent; what leaves last is not among them
    /// (<see cref="Exchange.UntoldBytes"/>).</summary>
    void Moved(Exchange exchange, long bytes)
    {
    }

    /// <summary>Hears of one; it is good during the call alone.</summary>
    void Ended(Exchange exchange);
}

/// <summary>Tells several listeners.</summary>
public sealed class ExchangeListeners(params IReadOnlyList<IExchangeListener> listeners) : IExchangeListener
{
    private readonly IExchangeListener[] _listeners = [.. listeners];

    /// <inheritdoc/>
    public bool NeedsText => Array.Exists(_listeners, listener => listener.NeedsText);

    /// <inheritdoc/>
    public void Moved(Exchange exchange, long bytes)
    {
        foreach (IExchangeListener listener in _listeners) listener.Moved(exchange, bytes);
    }

    /// <inheritdoc/>
    public void Ended(Exchange exchange)
    {
        foreach (IExchangeListener listener in _listeners) listener.Ended(exchange);
    }
}
