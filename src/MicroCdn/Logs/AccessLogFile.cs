using MicroCdn.Http.Exchanges;
using MicroCdn.Network;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Logs;

/// <summary>The access log of a process: a file.</summary>
internal sealed class AccessLogFile : IDisposable
{
    private readonly Sink _sink;
    private readonly AccessLog _log;

    private AccessLogFile(Sink sink, AccessLogChoice choice, TimeProvider time, ILoggerFactory loggers)
    {
        _sink = sink;
        _log = new AccessLog(sink, choice.Form, new Complaints(loggers.CreateLogger("access-log"), time), time);
        _log.Start();
    }

    /// <summary>Hears of the requests.</summary>
    public IExchangeListener Listener => _log;

    /// <summary>Opens the file that was chosen; null when none was.</summary>
    /// <exception cref="UnusableLogFileException">It cannot be opened.</exception>
    public static AccessLogFile? Open(AccessLogChoice? choice, TimeProvider time, ILoggerFactory loggers)
    {
        if (choice is null) return null;
        try
        {
            return new AccessLogFile(new Sink(AppendedFile.Open(choice.Path)), choice, time, loggers);
        }
        catch (IOException exception)
        {
            throw new UnusableLogFileException(
                $"the access log cannot be written, choose another file with --access-log: {exception.Message}");
        }
    }

    /// <summary>Goes on in what now stands under the file's name.</summary>
    public void Reopen() => _log.Reopen();

    /// <summary>Writes the last lines; once nobody is served any more.</summary>
    public void Dispose()
    {
        _log.Dispose();
        _sink.Dispose();
    }

    private sealed class Sink(AppendedFile file) : ILogSink, IDisposable
    {
        public void Write(ReadOnlySpan<byte> bytes) => file.Write(bytes);

        public void Reopen() => file.Reopen();

        public void Dispose() => file.Dispose();
    }
}

/// <summary>Where the access log goes, and in which form.</summary>
internal sealed record AccessLogChoice(string Path, LogForm Form);

/// <summary>A log cannot be written at the start.</summary>
internal sealed class UnusableLogFileException(string message) : Exception(message);
