using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index;

/// <summary>Reads the country file at the start and again when it changes; one that cannot be used leaves the one
/// before in place.</summary>
internal sealed partial class CountryWatch
{
    // City files of today have 130 MB; the whole file is held in memory.
    private const long MostBytes = 256L << 20;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly WatchedFile _file;
    private readonly Fleet _fleet;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Reads the file.</summary>
    /// <exception cref="UnusableCountryFileException">It cannot be used.</exception>
    public CountryWatch(string path, Fleet fleet, TimeProvider time, ILogger logger)
    {
        (_file, _fleet, _time, _logger) = (new WatchedFile(path, MostBytes), fleet, time, logger);
        try
        {
            using Stream bytes = _file.OpenIfChanged()!;
            Use(new CountryFile(bytes));
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw new UnusableCountryFileException(path, exception);
        }
    }

    /// <summary>Looks until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Interval, _time, cancellationToken).ConfigureAwait(false);
            Look();
        }
    }

    private void Look()
    {
        try
        {
            using Stream? bytes = _file.OpenIfChanged();
            if (bytes is null) return;
            Use(new CountryFile(bytes));
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            LogKept(_file.Path, exception.Message);
        }
    }

    private void Use(CountryFile countries)
    {
        _fleet.Locate(countries);
        LogRead(_file.Path, countries.Type);
    }

    [LoggerMessage(2020, LogLevel.Information, "clients' countries come from {File} ({Type})")]
    private partial void LogRead(string file, string type);

    [LoggerMessage(2021, LogLevel.Warning,
        "the country file {File} changed and cannot be used, the one before stays: {Reason}")]
    private partial void LogKept(string file, string reason);
}

/// <summary>The country file cannot be used; the message says what to do.</summary>
public sealed class UnusableCountryFileException : Exception
{
    internal UnusableCountryFileException(string path, Exception inner) : base(
        $"the country file '{path}' cannot be used: {inner.Message.TrimEnd('.')}; "
        + "--geo wants a country or city database in MaxMind's .mmdb format", inner)
    {
    }
}
