using System.Buffers;
using MicroCdn.Content.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Content.Figures;

/// <summary>Tells an index once a second what this server does.</summary>
/// <remarks>The counters only rise, so a telling that is lost costs nothing: the next one says it all.</remarks>
internal sealed class FiguresLink(OwnFigures own, ServerId self, TimeProvider time)
{
    private readonly ToldDownloads _downloads = new(own.Downloads, self, time);

    /// <summary>How long an index that refuses is left alone: one of an earlier version does not know the
    /// word.</summary>
    public static readonly TimeSpan RefusedPause = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Tells until cancelled.</summary>
    public Task RunAsync(StandingCall call, CancellationToken cancellationToken) =>
        call.RunAsync((connection, ending) => TellAsync(call, connection, ending), cancellationToken);

    private async Task<string?> TellAsync(
        StandingCall call, LineConnection connection, CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> lines = new();
        own.Write(_downloads.Next(connection), lines);
        string? refusal = await call.AskAsync(connection, lines.WrittenMemory, line =>
        {
            if (!ServerFigures.TryReadNoted(line.Span, out int room))
            {
                throw new InvalidDataException("it said no OK NOTED");
            }
            _downloads.Room = room;
            return true;
        }, cancellationToken).ConfigureAwait(false);
        if (refusal is null) await Task.Delay(Interval, time, cancellationToken).ConfigureAwait(false);
        return refusal;
    }
}
