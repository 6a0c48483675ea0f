namespace MicroCdn.Http.Exchanges;

/// <summary>Lines on their way from one thread, which adds them, to another, which writes them down.</summary>
/// <remarks>Two numbers that only grow: how much was added, and how much was taken. Each is written by one side alone.
/// A line for which there is no room is dropped and counted.</remarks>
internal sealed class LineRing(int bytes)
{
    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(bytes);
    private long _added;
    private long _taken;
    private long _dropped;

    /// <summary>How many lines were dropped.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>How much is to be taken.</summary>
    public long Held => Volatile.Read(ref _added) - Volatile.Read(ref _taken);

    /// <summary>Adds a line; true when the ring is more than half full.</summary>
    public bool Add(ReadOnlySpan<byte> line)
    {
        long held = _added - Volatile.Read(ref _taken);
        if (line.Length > _bytes.Length - held)
        {
            Volatile.Write(ref _dropped, _dropped + 1);
            return true;
        }
        int at = (int)(_added % _bytes.Length);
        int first = Math.Min(line.Length, _bytes.Length - at);
        line[..first].CopyTo(_bytes.AsSpan(at));
        line[first..].CopyTo(_bytes);
        Volatile.Write(ref _added, _added + line.Length);
        return held + line.Length > _bytes.Length / 2;
    }

    /// <summary>How much was ever added: the end of a line.</summary>
    public long Added => Volatile.Read(ref _added);

    /// <summary>What can be taken in one piece; it may end within a line, whose rest is the next piece.</summary>
    /// <param name="end">What was <see cref="Added"/> before: what came since is left for another time, so that two
    /// pieces are all, and end with a line.</param>
    public ReadOnlySpan<byte> Next(long end)
    {
        int held = (int)(end - _taken);
        int at = (int)(_taken % _bytes.Length);
        return _bytes.AsSpan(at, Math.Min(held, _bytes.Length - at));
    }

    /// <summary>Takes that much.</summary>
    public void Take(int length) => Volatile.Write(ref _taken, _taken + length);
}
