namespace MicroCdn.Testing;

/// <summary>One direction of a fake connection: bytes under way, and bytes that arrived and wait to be read.</summary>
/// <remarks>
/// What is written is split into random fragments; each arrives by itself. All state is under the network's lock.
/// </remarks>
internal sealed class Flow(FakeNetwork network, Link link, FakeHost reader, FakeHost writer, Random chance)
{
    private const int Window = 64 * 1024;
    private static readonly byte[] End = [];
    private readonly Queue<byte[]> _underWay = new();
    private readonly Queue<ReadOnlyMemory<byte>> _arrived = new();
    private long _delivered;
    private int _pending;
    private bool _ended;
    private bool _endArrived;
    private bool _abandoned;
    private bool _broken;

    /// <summary>Called on the network's thread when the reader has something new to see.</summary>
    public Action? Arrived { get; set; }

    /// <summary>Called on the network's thread when the writer has room again.</summary>
    public Action? Drained { get; set; }

    /// <summary>Cuts both directions of the connection.</summary>
    public Action? Cut { get; set; }

    public Link Link => link;

    /// <summary>How many bytes a writer that minds the window may write now.</summary>
    public int Room
    {
        get
        {
            lock (network.Gate) return Math.Max(0, Window - _pending);
        }
    }

    /// <summary>Sends bytes; false when nobody will ever read them.</summary>
    public bool Write(ReadOnlySpan<byte> bytes)
    {
        lock (network.Gate)
        {
            if (_broken || _abandoned || _ended) return false;
            _pending += bytes.Length;
            while (!bytes.IsEmpty)
            {
                int length = Math.Min(bytes.Length, network.FragmentBytes ?? NextLength());
                _underWay.Enqueue(bytes[..length].ToArray());
                bytes = bytes[length..];
                reader.Post(Deliver);
            }
        }
        return true;
    }

    /// <summary>The writer says no more.</summary>
    public void EndWriting()
    {
        lock (network.Gate)
        {
            if (_ended || _broken) return;
            _ended = true;
            _underWay.Enqueue(End);
            reader.Post(Deliver);
        }
    }

    /// <summary>The reader is gone; whatever still comes is thrown away.</summary>
    public void EndReading()
    {
        lock (network.Gate)
        {
            _abandoned = true;
            _arrived.Clear();
        }
        writer.Post(() => Drained?.Invoke());
    }

    /// <summary>The connection broke: what was under way or unread is gone.</summary>
    public void Break()
    {
        lock (network.Gate)
        {
            _broken = true;
            _underWay.Clear();
            _arrived.Clear();
        }
        reader.Post(() => Arrived?.Invoke());
        writer.Post(() => Drained?.Invoke());
    }

    /// <summary>Takes what arrived, one fragment at a time.</summary>
    public Arrival Take(Span<byte> target, out int length)
    {
        length = 0;
        lock (network.Gate)
        {
            if (_broken) return Arrival.Broken;
            if (!_arrived.TryPeek(out ReadOnlyMemory<byte> fragment))
            {
                return _endArrived ? Arrival.End : Arrival.Nothing;
            }
            length = Math.Min(target.Length, fragment.Length);
            fragment.Span[..length].CopyTo(target);
            _arrived.Dequeue();
            if (length < fragment.Length) PutBack(fragment[length..]);
            _pending -= length;
        }
        writer.Post(() => Drained?.Invoke());
        return Arrival.Bytes;
    }

    /// <summary>Lets everything arrive that a stalled link held back.</summary>
    public void Release()
    {
        lock (network.Gate)
        {
            for (int left = _underWay.Count; left > 0; left--) reader.Post(Deliver);
        }
    }

    private void PutBack(ReadOnlyMemory<byte> rest)
    {
        ReadOnlyMemory<byte>[] later = [.. _arrived];
        _arrived.Clear();
        _arrived.Enqueue(rest);
        foreach (ReadOnlyMemory<byte> fragment in later) _arrived.Enqueue(fragment);
    }

    private void Deliver()
    {
        bool cut = false;
        lock (network.Gate)
        {
            if (link.Stalls || !_underWay.TryDequeue(out byte[]? fragment)) return;
            if (ReferenceEquals(fragment, End)) _endArrived = true;
            else if (!_abandoned)
            {
                _delivered += fragment.Length;
                _arrived.Enqueue(fragment);
                cut = link.CutsAfter <= _delivered;
                if (cut) link.CutsAfter = null;
            }
        }
        Arrived?.Invoke();
        if (cut) Cut?.Invoke();
    }

    // Short fragments find framing mistakes, long ones keep large files quick.
    private int NextLength() => chance.Next(4) switch
    {
        0 => chance.Next(1, 8),
        1 => chance.Next(1, 1460),
        _ => chance.Next(1, 16 * 1024),
    };
}

/// <summary>What a reader finds.</summary>
internal enum Arrival
{
    Nothing,
    Bytes,
    End,
    Broken,
}
