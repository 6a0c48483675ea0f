namespace MicroCdn.Network;

/// <summary>The machine answered that nothing listens on the port: the process that did is gone.</summary>
public sealed class ConnectionRefusedException(string message, Exception? inner = null) : IOException(message, inner);
