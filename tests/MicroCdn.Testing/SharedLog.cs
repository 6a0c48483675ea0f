using MicroCdn.Records;

namespace MicroCdn.Testing;

/// <summary>A log that several fake indexes share, as they would one Redis: in memory, one writer by a
/// lease.</summary>
public sealed class SharedLog
{
    private readonly Lock _lock = new();
    private readonly List<Entry> _entries = [];
    private readonly HashSet<string> _cutOff = [];
    private TaskCompletionSource _news = NewBell();
    private (object? Token, string Address, long Until) _writer;
    private long _trimmed;
    private int _epoch;

    /// <summary>What becomes of changes on their way here.</summary>
    public TrappedChanges Traps { get; } = new();

    /// <summary>The changes so far: the number of each, and which writer's it is.</summary>
    public IReadOnlyList<(long Number, int Epoch)> Written
    {
        get
        {
            lock (_lock) return [.. _entries.Select(entry => (entry.Change.Number, entry.Epoch))];
        }
    }

    /// <summary>The address of whoever became the writer last.</summary>
    public string Writer
    {
        get
        {
            lock (_lock) return _writer.Address ?? "";
        }
    }

    /// <summary>Opens it for the process of a host.</summary>
    public IRecordStore Open(FakeHost host) => new SharedLogStore(this, host);

    /// <summary>Takes it away from a host, or gives it back.</summary>
    public void Cut(string host, bool isAway)
    {
        lock (_lock)
        {
            if (isAway) _cutOff.Add(host);
            else _cutOff.Remove(host);
        }
        Ring();
    }

    /// <summary>Keeps of all changes only what came of them, as after a snapshot.</summary>
    public void Trim()
    {
        lock (_lock) _trimmed = _entries.Count;
    }

    internal Task News => Volatile.Read(ref _news).Task;

    internal bool IsAwayFrom(FakeHost host)
    {
        lock (_lock) return _cutOff.Contains(host.Name) || host.IsCrashed;
    }

    internal RecordChange[] All()
    {
        lock (_lock) return [.. _entries.Select(entry => entry.Change)];
    }

    /// <summary>What is behind a change; null when it is not kept one by one any more.</summary>
    internal RecordChange[]? After(long number)
    {
        lock (_lock)
        {
            return number < _trimmed ? null : [.. _entries.Skip((int)number).Select(entry => entry.Change)];
        }
    }

    internal void Append(object? token, RecordChange change)
    {
        lock (_lock)
        {
            bool isOther = token is null || _writer.Token != token || change.Number != _entries.Count + 1;
            if (isOther) throw new WriterLostException("another one is the writer (fake)");
            _entries.Add(new Entry(change, _epoch));
        }
        Ring();
    }

    /// <summary>Makes somebody the writer unless another one is; tells the last number, or -1 and the address of
    /// the other one.</summary>
    internal (long Last, string Holder) Claim(object token, string address, long now, long until)
    {
        lock (_lock)
        {
            if (_writer.Token is not null && _writer.Until > now) return (-1, _writer.Address);
            _writer = (token, address, until);
            _epoch++;
            return (_entries.Count, "");
        }
    }

    /// <summary>Stays the writer; else the address of whoever is, or was last.</summary>
    internal string? Renew(object token, long until)
    {
        lock (_lock)
        {
            if (_writer.Token != token) return _writer.Address ?? "";
            _writer.Until = until;
            return null;
        }
    }

    internal void GiveBack(object token)
    {
        lock (_lock)
        {
            if (_writer.Token == token) _writer.Token = null;
        }
    }

    private void Ring() => Interlocked.Exchange(ref _news, NewBell()).TrySetResult();

    private static TaskCompletionSource NewBell() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed record Entry(RecordChange Change, int Epoch);
}
