using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Caching.Store;

// What grows, and becomes a copy or a part of one.
public sealed partial class CacheStore
{
    /// <summary>Begins a copy of a whole body.</summary>
    /// <param name="key">What it is a copy of.</param>
    /// <param name="head">Its head.</param>
    /// <param name="length">Length of the body, where it is known.</param>
    /// <param name="mark">What <see cref="Mark"/> said before the origin was asked.</param>
    public GrowingCopy Begin(CacheKey key, StoredHead head, long? length, long mark) =>
        new(this, new GrowingPlan(key, head, mark, length, new ByteRange(0, length ?? long.MaxValue), null));

    /// <summary>Begins a copy with a part of its body; its complete length is known.</summary>
    /// <inheritdoc cref="Begin(CacheKey, StoredHead, long?, long)"/>
    public GrowingCopy BeginPart(CacheKey key, StoredHead head, long length, ByteRange part, long mark) =>
        new(this, new GrowingPlan(key, head, mark, length, part, null));

    /// <summary>Adds a part to a copy, which the caller knows to be of the same representation.</summary>
    public GrowingCopy Extend(Copy copy, ByteRange part) =>
        new(this, new GrowingPlan(copy.Key, copy.Head, copy.State.Sequence, copy.Length, part, copy));

    /// <summary>Begins what is only passed through to those who join, and never stored.</summary>
    public GrowingCopy BeginPassing(CacheKey key, StoredHead head, long? length) =>
        new(this, new GrowingPlan(key, head, Mark(), length, new ByteRange(0, length ?? long.MaxValue), null),
            isPassing: true);

    internal CopyPart CreatePart() => _folder!.Create();

    // A body that grew in memory is a copy at once, and is written down where there is room, or where it is wanted.
    internal Copy? Finish(GrowingPlan plan, long length, byte[] body, bool isWanted)
    {
        if (plan.Target is { } target) return AddPart(target, plan.Part.Offset, body);
        Copy copy = Make(plan, length, body.Length);
        if (body.Length > 0) copy.Hold(new Segment(plan.Part.Offset, body));
        Departures gone = new();
        bool isIn, isAdmitted;
        _ = Find(plan.Key);
        lock (_gate)
        {
            isIn = IsValid(copy) && Enter(copy, gone);
            isAdmitted = isIn && _files is not null && (isWanted || _disk.IsRemembered(copy.Entry.Hash)
                || _room.HasRoomFor(WeightOf(copy.BodyOffset + body.Length)));
        }
        Depart(gone);
        if (isAdmitted && copy.ClaimPersisting()) Persist(copy);
        return isIn ? copy : null;
    }

    // A body that grew in a part gets its place.
    internal Copy? Finish(GrowingPlan plan, CopyPart part, CopyFront front, long reserved, Action placed)
    {
        (long length, long written) = (front.Length, front.Part.Length);
        Copy copy = Make(plan, length, written);
        if (!IsValid(copy)) return null;
        _ = Find(plan.Key);
        lock (copy.Entry)
        {
            // It is found before the disk has its say, and read from the part; what it replaces goes after that.
            copy.ClaimPersisting();
            part.File.TryHold();
            _open.Keep(copy, part.File).Release();
            Departures gone = new();
            bool isIn = false;
            lock (_gate) isIn = IsValid(copy) && Enter(copy, gone);
            try
            {
                if (!isIn) return null;
                WithDisk(() => _files!.Finish(copy.Entry, part, front));
                placed();
                Settle(copy.Entry, reserved, WeightOf(copy.BodyOffset + written));
                copy.EndPersisting();
                return copy;
            }
            finally
            {
                if (!copy.Entry.IsOnDisk) Withdraw(copy);
                Depart(gone);
            }
        }
    }

    // One that did not come to the disk, or left while it did.
    private void Withdraw(Copy copy)
    {
        Remove(copy);
        _open.Drop(copy);
    }

    // A part that was written into the file of its copy counts from now on.
    internal Copy? AddPart(Copy target, ByteRange part, ulong check, long reserved)
    {
        lock (target.Entry)
        {
            Copy known = Known(target);
            bool isAdded = Grow(known, part, null);
            lock (_gate)
            {
                _room.Unreserve(reserved);
                if (isAdded && known.Entry.IsOnDisk)
                {
                    _room.Take(WeightOf(part.Length));
                    Eviction<Entry>.Reweigh(known.Entry, known.Entry.Weight + WeightOf(part.Length));
                }
            }
            return isAdded && Append(known, number => CopyRecord.OfPart(number, part, check)) ? known : null;
        }
    }

    private Copy? AddPart(Copy target, long offset, byte[] body)
    {
        ByteRange part = new(offset, body.Length);
        lock (target.Entry)
        {
            Copy known = Known(target);
            if (!known.Entry.IsOnDisk) return Grow(known, part, body) ? known : null;
            if (!TryReserve(WeightOf(body.Length))) return null;
            ulong check = System.IO.Hashing.XxHash3.HashToUInt64(body);
            if (TryWrite(known, offset, body)) return AddPart(known, part, check, WeightOf(body.Length));
            Unreserve(WeightOf(body.Length));
            return null;
        }
    }

    private bool TryWrite(Copy copy, long offset, byte[] body)
    {
        if (copy.Open() is not { } file) return false;
        try
        {
            file.Write(body, copy.BodyOffset + offset);
            return true;
        }
        catch (IOException exception)
        {
            Complain(exception);
            return false;
        }
        finally
        {
            file.Release();
        }
    }

    // False when the copy has left, or would fall into crumbs.
    private bool Grow(Copy copy, ByteRange part, byte[]? body)
    {
        CopyState state = copy.State;
        if (!copy.Entry.IsIn || copy.PurgeState == PurgeState.Gone) return false;
        if (!state.Present.TryAdd(part, out ByteSet present)) return false;
        if (body is not null) copy.AddSegment(new Segment(part.Offset, body));
        Change(copy, state.With(present));
        Departures gone = new();
        lock (_gate) TrimMemory(gone);
        Depart(gone);
        return true;
    }

    // Of what was being fetched: a copy that is in would have been taken out.
    private bool IsValid(Copy copy) => copy.PurgeState != PurgeState.Gone
        && !Invalidations.AreAfter(copy.Entry.Id, copy.State.Sequence);

    private Copy Make(GrowingPlan plan, long length, long written)
    {
        ByteSet.Empty.TryAdd(new ByteRange(plan.Part.Offset, written), out ByteSet present);
        CopyState state = new(plan.Head, plan.Mark, present);
        Entry entry = new(CopyId.Of(plan.Key), Numbers.Next());
        int bodyOffset = plan.FrontOf(0).BodyOffset;
        return new Copy(this, entry, plan.Key, state, length, bodyOffset);
    }
}

/// <summary>What is to grow.</summary>
/// <param name="Key">What it is a copy of.</param>
/// <param name="Head">Its head.</param>
/// <param name="Mark">The number before the origin was asked.</param>
/// <param name="Length">Length of the complete body, where it is known.</param>
/// <param name="Part">What of it comes; up to the largest number where nobody knows.</param>
/// <param name="Target">The copy that it is added to, or null.</param>
internal sealed record GrowingPlan(
    CacheKey Key, StoredHead Head, long Mark, long? Length, ByteRange Part, Copy? Target)
{
    public CopyFront FrontOf(long length) => new()
    {
        Key = Key.Text,
        Head = Head.Write(),
        Sequence = Mark,
        Length = length,
    };
}
