using MicroCdn.Content;
using MicroCdn.Network;

namespace MicroCdn.Edge.PullThrough;

/// <summary>A body on its way to a client, which counts as a transfer until it is disposed.</summary>
internal sealed class CountedSource : ILineSource, IDisposable
{
    private readonly ILineSource _source;
    private readonly ServedFiles _counted;

    /// <summary>Counts from now on: whoever it is given to disposes it.</summary>
    public CountedSource(ILineSource source, ServedFiles counted)
    {
        (_source, _counted) = (source, counted);
        counted.Began();
    }

    public bool Write(Answer answer) => _source.Write(answer);

    public void Dispose()
    {
        _counted.Ended();
        (_source as IDisposable)?.Dispose();
    }
}
