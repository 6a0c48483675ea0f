using System.Buffers;
using System.IO.Hashing;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Caching.Store;

/// <summary>Where the bytes of a growing body lie: in memory, then in a file, or in a window that moves.</summary>
/// <remarks>What is kept never moves, so that it is added by the one writer and read by all without a lock: no reader
/// waits for the disk because the writer does. The window moves, under the lock of its owner. A body begins in memory
/// and may change to a file once, and to passing through once.</remarks>
internal sealed class GrowingBytes(CacheStore store, GrowingPlan plan)
{
    private const int FirstBytes = 4096;
    private const long ReserveBytes = 1024 * 1024;

    private readonly XxHash3 _check = new();
    private volatile byte[] _buffer = [];
    private volatile SharedFile? _file;
    private CopyPart? _part;
    private CopyFront? _front;
    private long _claimed, _reserved, _bodyOffset;
    private byte[]? _window;
    private long _written = plan.Part.Offset, _keptEnd = plan.Part.Offset, _windowStart = long.MaxValue;
    private volatile bool _passes;

    /// <summary>The offset behind the last byte.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>The offset of the first byte that can be had, with all behind it.</summary>
    public long First => !HasWindow || _windowStart <= _keptEnd ? plan.Part.Offset : _windowStart;

    /// <summary>True once something is not kept, or will not be.</summary>
    public bool IsPassing => _passes;

    private bool HasWindow => _windowStart != long.MaxValue;

    /// <summary>Keeps nothing of what comes from now on.</summary>
    public void Pass() => _passes = true;

    /// <summary>Copies what lies in the window.</summary>
    public int ReadWindow(long offset, Span<byte> target)
    {
        if (offset < _windowStart || _window is null) return 0;
        int bytes = (int)Math.Min(target.Length, _written - offset);
        for (int done = 0; done < bytes;)
        {
            int at = (int)((offset + done) % GrowingCopy.WindowBytes);
            int piece = Math.Min(bytes - done, GrowingCopy.WindowBytes - at);
            _window.AsSpan(at, piece).CopyTo(target[done..]);
            done += piece;
        }
        return Math.Max(0, bytes);
    }

    /// <summary>Copies what is kept, without the lock.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public int ReadKept(long offset, Span<byte> target)
    {
        int bytes = (int)Math.Clamp(Volatile.Read(ref _keptEnd) - offset, 0, target.Length);
        if (bytes == 0) return 0;
        // First the buffer: it is given up only once there is a file.
        byte[] buffer = _buffer;
        if (_file is { } file)
        {
            int read = file.Read(target[..bytes], _bodyOffset + offset);
            return read > 0 ? read : throw new IOException("a part file is shorter than what was written to it");
        }
        buffer.AsSpan((int)(offset - plan.Part.Offset), bytes).CopyTo(target);
        return bytes;
    }

    /// <summary>Makes a copy of what is kept; null where there is to be none.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public Copy? Finish(bool isWanted)
    {
        if (IsPassing) return null;
        long bytes = _written - plan.Part.Offset, length = plan.Length ?? _written;
        if (_file is null) return store.Finish(plan, length, _buffer.AsSpan(0, (int)bytes).ToArray(), isWanted);
        long reserved = _reserved;
        ByteRange range = new(plan.Part.Offset, bytes);
        if (plan.Target is { } target)
        {
            _reserved = 0;
            return store.AddPart(target, range, _check.GetCurrentHashAsUInt64(), reserved);
        }
        CopyPart part = _part!;
        CopyFront front = _front! with
        {
            Length = length,
            Part = range,
            PartCheck = _check.GetCurrentHashAsUInt64(),
        };
        return store.Finish(plan, part, front, reserved, () => (_part, _reserved) = (null, 0));
    }

    /// <summary>Lets everything go: nobody reads or writes any more.</summary>
    public void Release()
    {
        if (_claimed > 0) store.Shrink(_claimed);
        if (_part is not null) CopyFolder.Delete(_part);
        if (_reserved > 0) store.Unreserve(_reserved);
        _file?.Release();
        if (_window is not null) ArrayPool<byte>.Shared.Return(_window);
        (_claimed, _reserved, _part, _window, _buffer) = (0, 0, null, null, []);
    }

    /// <summary>Takes bytes to keep, without the lock; false when they can only be passed through.</summary>
    public bool TryKeep(ReadOnlySpan<byte> bytes)
    {
        if (_passes) return false;
        if (_file is null && TryKeepInMemory(bytes)) return true;
        long end = _written + bytes.Length;
        if (!store.HasDisk || end - plan.Part.Offset > store.MostStored) return false;
        if (!store.Pace.TryEnter(out int place)) return false;
        try
        {
            return TryKeepInFile(bytes);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            store.Complain(exception);
            return false;
        }
        finally
        {
            if (!store.Pace.Leave(place)) Pass();
        }
    }

    private bool TryKeepInFile(ReadOnlySpan<byte> bytes)
    {
        if (_file is null && !TryOpen()) return false;
        if (!TryReserve(_written + bytes.Length)) return false;
        _file!.Write(bytes, _bodyOffset + _written);
        _check.Append(bytes);
        Keep(bytes.Length);
        return true;
    }

    private bool TryKeepInMemory(ReadOnlySpan<byte> bytes)
    {
        int held = (int)(_written - plan.Part.Offset), needed = held + bytes.Length;
        if (needed > store.MostInMemory) return false;
        if (needed > _buffer.Length)
        {
            long most = Math.Min(store.MostInMemory, plan.Part.Length);
            int size = (int)Math.Min(most, Math.Max(Math.Max(needed, FirstBytes), 2L * _buffer.Length));
            if (!store.TryGrow(size - _buffer.Length)) return false;
            _claimed += size - _buffer.Length;
            byte[] larger = new byte[size];
            _buffer.AsSpan(0, held).CopyTo(larger);
            _buffer = larger;
        }
        bytes.CopyTo(_buffer.AsSpan(held));
        Keep(bytes.Length);
        return true;
    }

    // What was in memory goes into the file, and is read from there.
    private bool TryOpen()
    {
        SharedFile? file = plan.Target is { } target ? store.OpenToAdd(target) : CreatePart();
        if (file is null) return false;
        bool isOpen = false;
        try
        {
            if (plan.Target is not null) _bodyOffset = plan.Target.BodyOffset;
            if (!TryReserve(_written)) return false;
            ReadOnlySpan<byte> held = _buffer.AsSpan(0, (int)(_written - plan.Part.Offset));
            file.Write(held, _bodyOffset + plan.Part.Offset);
            _check.Append(held);
            isOpen = true;
        }
        finally
        {
            // A part that stays open keeps its space, just when there is none.
            if (!isOpen) GiveUp(file);
        }
        _file = file;
        _buffer = [];
        store.Shrink(_claimed);
        _claimed = 0;
        return true;
    }

    private SharedFile? CreatePart()
    {
        _front = plan.FrontOf(plan.Length ?? 0);
        _bodyOffset = _front.BodyOffset;
        if (!store.TryReserve(_bodyOffset)) return null;
        _reserved += _bodyOffset;
        _part = store.CreatePart();
        return _part.File;
    }

    private void GiveUp(SharedFile file)
    {
        if (_part is not null) CopyFolder.Delete(_part);
        file.Release();
        store.Unreserve(_reserved);
        (_part, _reserved) = (null, 0);
    }

    // All at once where the length is known: who begins to write shall end.
    private bool TryReserve(long end)
    {
        long wanted = (_part is null ? 0 : _bodyOffset) + end - plan.Part.Offset;
        if (wanted <= _reserved) return true;
        long all = plan.Part.Length == long.MaxValue
            ? Math.Max(wanted, _reserved + ReserveBytes) : wanted - (end - plan.Part.Offset) + plan.Part.Length;
        if (!store.TryReserve(all - _reserved)) return false;
        _reserved = all;
        return true;
    }

    private void Keep(int bytes)
    {
        Volatile.Write(ref _keptEnd, _written + bytes);
        Volatile.Write(ref _written, _written + bytes);
    }

    /// <summary>Takes as many bytes to be passed through as there is room for.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="slowest">The offset of the slowest reader.</param>
    public int TakeIntoWindow(ReadOnlySpan<byte> bytes, long slowest)
    {
        _passes = true;
        if (!HasWindow) _windowStart = _written;
        _window ??= ArrayPool<byte>.Shared.Rent(GrowingCopy.WindowBytes);
        _windowStart = Math.Max(_windowStart, Math.Min(slowest, _written));
        int taken = (int)Math.Min(bytes.Length, GrowingCopy.WindowBytes - (_written - _windowStart));
        for (int done = 0; done < taken;)
        {
            int at = (int)((_written + done) % GrowingCopy.WindowBytes);
            int piece = Math.Min(taken - done, GrowingCopy.WindowBytes - at);
            bytes.Slice(done, piece).CopyTo(_window.AsSpan(at));
            done += piece;
        }
        Volatile.Write(ref _written, _written + taken);
        return taken;
    }
}
