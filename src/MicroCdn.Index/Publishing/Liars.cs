using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>Which servers said that they have the bytes of a name, and gave others to whoever fetched them.</summary>
/// <remarks>Such a copy does not count until the server tells of it anew. What is more than <see cref="Most"/> is not
/// remembered: the copy is found wrong again when somebody fetches it.</remarks>
internal sealed class Liars
{
    /// <summary>Most copies that are remembered; a server with so many wrong ones is one to look at by hand.</summary>
    public const int Most = 100_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<FileName, HashSet<int>> _byName = [];
    private readonly Dictionary<int, int> _counts = [];
    private int _count;
    private int _edition;

    /// <summary>True while there is one.</summary>
    public bool HasAny => Volatile.Read(ref _count) > 0;

    /// <summary>A number that is another one when something of it changed.</summary>
    public int Edition => Volatile.Read(ref _edition);

    /// <summary>How many wrong copies a server has.</summary>
    public int CountOf(int server)
    {
        lock (_lock) return _counts.GetValueOrDefault(server);
    }

    /// <summary>The servers whose copy of a name is wrong; null for none.</summary>
    public IReadOnlySet<int>? Of(FileName name)
    {
        lock (_lock) return _byName.TryGetValue(name, out HashSet<int>? servers) ? new HashSet<int>(servers) : null;
    }

    /// <summary>A server gave wrong bytes; false when that was known, or there is no room to remember it.</summary>
    public bool Add(FileName name, int server)
    {
        lock (_lock)
        {
            if (_count >= Most) return false;
            if (!_byName.TryGetValue(name, out HashSet<int>? servers)) _byName.Add(name, servers = []);
            if (!servers.Add(server)) return false;
            _counts[server] = _counts.GetValueOrDefault(server) + 1;
            (_count, _edition) = (_count + 1, _edition + 1);
            return true;
        }
    }

    /// <summary>A server tells of a name anew, or gave the right bytes after all.</summary>
    public void Remove(FileName name, int server)
    {
        lock (_lock)
        {
            if (!_byName.TryGetValue(name, out HashSet<int>? servers) || !servers.Remove(server)) return;
            if (servers.Count == 0) _byName.Remove(name);
            _counts[server]--;
            (_count, _edition) = (_count - 1, _edition + 1);
        }
    }

    /// <summary>A server tells all it has anew.</summary>
    public void RemoveAll(int server)
    {
        lock (_lock)
        {
            if (_counts.GetValueOrDefault(server) == 0) return;
            foreach (FileName name in _byName.Keys.ToArray()) Remove(name, server);
        }
    }
}
