namespace MicroCdn.Network;

/// <summary>The other side refused our proof, or did not prove itself where that is required; the message says
/// which.</summary>
public sealed class NotAuthenticatedException(string message) : IOException(message);
