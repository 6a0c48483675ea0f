using System.Net;

namespace MicroCdn.Access;

/// <summary>Whether an address is in one of many networks: a search among sorted spans, whatever their
/// number.</summary>
internal sealed class NetworkSet
{
    private readonly UInt128[] _starts;
    private readonly UInt128[] _ends;

    /// <summary>Takes the networks; those that touch or overlap become one span.</summary>
    public NetworkSet(IEnumerable<IPNetwork> networks)
    {
        List<(UInt128 Start, UInt128 End)> spans = [];
        foreach (IPNetwork network in networks)
        {
            UInt128 mask = AddressBits.Mask(AddressBits.LengthOf(network));
            UInt128 start = AddressBits.Of(network.BaseAddress) & mask;
            spans.Add((start, start | ~mask));
        }
        spans.Sort();
        List<(UInt128 Start, UInt128 End)> merged = [];
        foreach ((UInt128 start, UInt128 end) in spans)
        {
            if (merged.Count == 0 || start > merged[^1].End) merged.Add((start, end));
            else if (end > merged[^1].End) merged[^1] = (merged[^1].Start, end);
        }
        _starts = [.. merged.Select(span => span.Start)];
        _ends = [.. merged.Select(span => span.End)];
    }

    /// <summary>True when it holds every address there is.</summary>
    public bool IsAll => _starts is [var start] && start == 0 && _ends[0] == UInt128.MaxValue;

    /// <summary>True when an address is in one of them.</summary>
    public bool Contains(UInt128 address)
    {
        int at = Array.BinarySearch(_starts, address);
        if (at < 0) at = ~at - 1;
        return at >= 0 && address <= _ends[at];
    }
}
