using System.Reflection;

namespace MicroCdn.Fuzz;

/// <summary>Which branches of the instrumented rooms an input reached, and whether any of them is new.</summary>
/// <remarks>
/// Each branch counts into one of 65,536 cells, as American Fuzzy Lop does it; a count is reduced to one of eight
/// sizes, so that a loop of 60 rounds and one of 61 are the same to us.
/// </remarks>
internal sealed unsafe class Coverage
{
    private const int Cells = 1 << 16;

    private readonly byte[] _cells = GC.AllocateArray<byte>(Cells, pinned: true);
    private readonly byte[] _seen = new byte[Cells];
    private readonly FieldInfo _previous;

    /// <summary>Takes the counters over from the instrumentation.</summary>
    /// <exception cref="InvalidOperationException">Nothing is instrumented.</exception>
    public Coverage()
    {
        // The instrumented rooms refer to this assembly; loaded by name, because the reference is theirs, not ours.
        Type trace = Assembly.Load("SharpFuzz.Common").GetType("SharpFuzz.Common.Trace", throwOnError: true)!;
        fixed (byte* cells = _cells)
        {
            trace.GetField("SharedMem")!.SetValue(null, Pointer.Box(cells, typeof(byte*)));
        }
        _previous = trace.GetField("PrevLocation")!;
    }

    /// <summary>Forgets the last run.</summary>
    public void Begin()
    {
        Array.Clear(_cells);
        _previous.SetValue(null, 0);
    }

    /// <summary>Notes what the run reached; true when some of it was never reached before.</summary>
    public bool TakeNew()
    {
        bool isNew = false;
        for (int start = 0; start < Cells; start += 32)
        {
            Span<byte> cells = _cells.AsSpan(start, 32);
            if (!cells.ContainsAnyExcept((byte)0)) continue;
            for (int at = 0; at < cells.Length; at++)
            {
                byte size = SizeOf(cells[at]);
                if ((size & ~_seen[start + at]) == 0) continue;
                _seen[start + at] |= size;
                isNew = true;
            }
        }
        return isNew;
    }

    /// <summary>How many branches were reached so far.</summary>
    public int Count => Cells - _seen.AsSpan().Count((byte)0);

    private static byte SizeOf(byte count) => count switch
    {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
