namespace MicroCdn.Content;

/// <summary>Where a monitor is.</summary>
/// <param name="Host">Its host name or address.</param>
/// <param name="TcpPort">Its line port.</param>
/// <param name="UdpPort">The port heartbeats come to.</param>
public readonly record struct MonitorAddress(string Host, int TcpPort, int UdpPort)
{
    /// <summary>Host and line port, as logs show them.</summary>
    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{TcpPort}" : $"{Host}:{TcpPort}";
}
