namespace MicroCdn.Bench;

/// <summary>Says in one sentence why nothing could be measured; it ends the program.</summary>
internal sealed class BenchException(string message) : Exception(message);
