using Microsoft.Extensions.Logging;

namespace MicroCdn.Testing;

/// <summary>Keeps every line that the roles log, with the fake time and the host it came from.</summary>
public sealed class LogCollector(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<LogLine> _lines = [];
    private readonly long _startedAt = time.GetTimestamp();

    /// <summary>All lines so far.</summary>
    public IReadOnlyList<LogLine> Lines
    {
        get
        {
            lock (_lock) return [.. _lines];
        }
    }

    /// <summary>A logger factory for one host.</summary>
    public ILoggerFactory From(string host) => new Factory(this, host);

    private void Add(string host, string category, LogLevel level, string text)
    {
        lock (_lock) _lines.Add(new LogLine(time.GetElapsedTime(_startedAt), host, category, level, text));
    }

    private sealed class Factory(LogCollector collector, string host) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => new Logger(collector, host, categoryName);

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
            // Nothing is held.
        }
    }

    private sealed class Logger(LogCollector collector, string host, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            collector.Add(
                host, category, logLevel, formatter(state, exception) + (exception is null ? "" : $" {exception}"));
    }
}

/// <summary>One logged line.</summary>
/// <param name="At">When, counted from the start of the world.</param>
/// <param name="Host">The host it came from.</param>
/// <param name="Category">The role that speaks.</param>
/// <param name="Level">How serious it is.</param>
/// <param name="Text">What it says.</param>
public sealed record LogLine(TimeSpan At, string Host, string Category, LogLevel Level, string Text)
{
    /// <inheritdoc/>
    public override string ToString() => $"{At.TotalSeconds,8:0.00} s  {Host,-8} {Category}: {Text}";
}
