using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Runs what operators asked for and servers take their time over, each beside the others.</summary>
internal sealed partial class PublishRounds(ILogger logger)
{
    // Each waits for servers that may be slow.
    private const int Most = 10_000;

    private int _count;

    /// <summary>Begins one; what it refuses is told like what it tells.</summary>
    public WireError? Begin(Answer answer, Func<LongAnswer, Task<WireError?>> work)
    {
        if (Interlocked.Increment(ref _count) > Most)
        {
            Interlocked.Decrement(ref _count);
            return WireErrors.LimitReached;
        }
        LongAnswer told = new(answer);
        answer.SendList(told);
        _ = Task.Run(async () =>
        {
            try
            {
                if (await work(told).ConfigureAwait(false) is { } refusal) told.Say(refusal.Line.Span);
            }
            catch (Exception exception)
            {
                LogBroken(exception);
                told.Say(WireErrors.Unavailable.Line.Span);
            }
            finally
            {
                told.End();
                Interlocked.Decrement(ref _count);
            }
        });
        return null;
    }

    [LoggerMessage(2054, LogLevel.Error, "a change of the book broke")]
    private partial void LogBroken(Exception exception);
}
