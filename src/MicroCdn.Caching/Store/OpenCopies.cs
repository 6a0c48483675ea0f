using MicroCdn.Storage;

namespace MicroCdn.Caching.Store;

/// <summary>Keeps the files of the copies that are sent lately open, so that a hit opens none.</summary>
/// <remarks>They stand in a round: whoever's turn to be closed comes and was opened lately is passed over
/// once.</remarks>
internal sealed class OpenCopies(int most)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Copy> _round = new();

    /// <summary>Keeps a file, whose hold it takes over, unless another thread was faster; answers the one that is kept,
    /// held once for the caller.</summary>
    public SharedFile Keep(Copy copy, SharedFile file)
    {
        lock (_lock)
        {
            if (copy.ExchangeFile(null) is { } kept)
            {
                copy.ExchangeFile(kept);
                if (kept.TryHold())
                {
                    file.Release();
                    return kept;
                }
            }
            else
            {
                _round.AddLast(copy);
            }
            file.TryHold();
            copy.ExchangeFile(file);
            while (_round.Count > most && _round.First is { } first)
            {
                _round.RemoveFirst();
                if (first.Value.OpenedLately)
                {
                    first.Value.OpenedLately = false;
                    _round.AddLast(first);
                    continue;
                }
                first.Value.ExchangeFile(null)?.Release();
            }
            return file;
        }
    }

    /// <summary>Lets go of a copy's file: it left the store.</summary>
    public void Drop(Copy copy)
    {
        if (!copy.HasFile) return;
        lock (_lock)
        {
            if (copy.ExchangeFile(null) is not { } file) return;
            _round.Remove(copy);
            file.Release();
        }
    }

    /// <summary>Lets go of all.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            foreach (Copy copy in _round) copy.ExchangeFile(null)?.Release();
            _round.Clear();
        }
    }
}
