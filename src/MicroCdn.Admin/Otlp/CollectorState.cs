using Microsoft.Extensions.Logging;
using OpenTelemetry;

namespace MicroCdn.Admin.Otlp;

/// <summary>Whether the collector takes one kind of what it is sent: a line of the log tells each change.</summary>
/// <param name="signal">What is sent.</param>
/// <param name="target">Where the collector is.</param>
/// <param name="logger">Where the lines go.</param>
/// <param name="dropped">How many of them it never gets; null where it gets all that was counted.</param>
internal sealed partial class CollectorState(
    string signal, OtlpTarget target, ILogger logger, Func<long>? dropped = null)
{
    private bool _isAway;

    /// <summary>Hears what came of sending; called by one thread at a time.</summary>
    /// <param name="result">Whether it was taken.</param>
    /// <param name="trouble">What is known of why not.</param>
    public ExportResult Noted(ExportResult result, string? trouble)
    {
        bool isAway = result != ExportResult.Success;
        if (isAway && !_isAway) LogAway(signal, target.Url.Authority, trouble ?? "it refused them");
        else if (!isAway && _isAway) LogBack(signal, target.Url.Authority, Dropped());
        _isAway = isAway;
        return result;
    }

    private string Dropped() => dropped is null ? "" : $"; dropped since the start: {dropped()}";

    [LoggerMessage(5211, LogLevel.Warning, "{Signal} cannot be sent to the collector at {Collector}: {Trouble}")]
    private partial void LogAway(string signal, string collector, string trouble);

    [LoggerMessage(5212, LogLevel.Information, "{Signal} are sent to the collector at {Collector} again{Dropped}")]
    private partial void LogBack(string signal, string collector, string dropped);
}
