namespace MicroCdn.Client;

/// <summary>The digests of a file's chunks, for those who wait until some server has told them.</summary>
internal sealed class ChunkListing(ChunkList? known, Action learned)
{
    private readonly TaskCompletionSource<ChunkList> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile ChunkList? _list = known;

    /// <summary>The digests as soon as they are known, else null.</summary>
    public ChunkList? Known => _list;

    /// <summary>True once couriers may use them.</summary>
    public bool IsOpen => _ready.Task.IsCompleted;

    /// <summary>Somebody learnt them.</summary>
    public void Offer(ChunkList list)
    {
        _list ??= list;
        learned();
    }

    /// <summary>What an earlier download left has been looked through: couriers may begin.</summary>
    public void Open() => _ready.TrySetResult(_list!);

    /// <summary>Waits until they may be used.</summary>
    public Task<ChunkList> WaitAsync(CancellationToken cancellationToken) => _ready.Task.WaitAsync(cancellationToken);
}
