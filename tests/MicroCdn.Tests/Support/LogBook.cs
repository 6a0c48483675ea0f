using Microsoft.Extensions.Logging;

namespace MicroCdn.Tests.Support;

/// <summary>A logger that keeps its lines for a test to read.</summary>
internal sealed class LogBook : ILogger, ILoggerFactory
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];

    public string[] Lines
    {
        get
        {
            lock (_lock) return [.. _lines];
        }
    }

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter)
    {
        lock (_lock) _lines.Add(formatter(state, exception));
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
