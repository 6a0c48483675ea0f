using System.Buffers;
using MicroCdn.Index;

namespace MicroCdn.Gateway;

/// <summary>Room in which each thread prepares one answer at a time, so that a redirect allocates nothing.</summary>
internal sealed class Draft
{
    [ThreadStatic]
    private static Draft? _mine;

    private Candidate[] _candidates = new Candidate[64];

    /// <summary>This thread's; what it held is no longer needed.</summary>
    public static Draft Clean()
    {
        Draft draft = _mine ??= new Draft();
        draft.Text.ResetWrittenCount();
        return draft;
    }

    /// <summary>Text on its way to a response.</summary>
    public ArrayBufferWriter<byte> Text { get; } = new(4096);

    /// <summary>Room for all servers that have a file: were there less, the best might be left out.</summary>
    public Span<Candidate> Candidates(int count)
    {
        if (count > _candidates.Length) _candidates = new Candidate[Math.Max(count, 2 * _candidates.Length)];
        return _candidates.AsSpan(0, count);
    }
}
