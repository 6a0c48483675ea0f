using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content.Publishing;

/// <summary>Takes in bytes that are brought to be published: so many at once, and only where there is room.</summary>
internal sealed partial class Uploads(BlobKeeper blobs, ChunkLists chunks, ILogger logger)
{
    /// <summary>Most uploads at once: each holds a mebibyte.</summary>
    public const int Most = 64;

    private int _active;

    /// <summary>Hears of each blob that was brought, and for which put.</summary>
    public Action<string, Blob> Stored { get; set; } = (_, _) => { };

    /// <summary>The blobs they become.</summary>
    public BlobKeeper Blobs => blobs;

    /// <summary>The lists of chunks.</summary>
    public ChunkLists Chunks => chunks;

    /// <summary>Begins one; null when there are too many.</summary>
    public Upload? TryBegin(in StoreRequest request, Answer answer)
    {
        if (Interlocked.Increment(ref _active) <= Most)
        {
            return new Upload(this, System.Text.Encoding.UTF8.GetString(request.Put), request.Digest, request.Size,
                request.Root, answer);
        }
        End();
        return null;
    }

    /// <summary>One has ended, however.</summary>
    public void End() => Interlocked.Decrement(ref _active);

    /// <summary>Says why one failed that should not have.</summary>
    public void Report(string put, FileDigest digest, string why) => LogFailed(put, digest, why);

    [LoggerMessage(4096, LogLevel.Error, "put {Put}: {Digest} was not stored: {Why}")]
    private partial void LogFailed(string put, FileDigest digest, string why);
}
