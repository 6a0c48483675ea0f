using System.Text;

namespace MicroCdn.Caching;

/// <summary>Which parameters of a query belong to the key. What does not belong does not reach the origin either, or
/// one client could choose what all others are given.</summary>
public sealed class QueryRule
{
    private readonly byte[][] _names;
    private readonly bool _keeps;

    private QueryRule(bool keeps, IEnumerable<string> names)
    {
        _keeps = keeps;
        _names = [.. names.Select(Encoding.UTF8.GetBytes)];
    }

    /// <summary>The query as it came.</summary>
    public static QueryRule KeepAll { get; } = new(false, []);

    /// <summary>These alone are kept. Names are compared byte by byte, as they stand in the query.</summary>
    public static QueryRule Keep(params IEnumerable<string> names) => new(true, names);

    /// <summary>These are dropped.</summary>
    public static QueryRule Drop(params IEnumerable<string> names) => new(false, names);

    /// <summary>Writes what is kept, in its order; returns its length, at most that of the query.</summary>
    /// <param name="query">What follows the question mark.</param>
    /// <param name="target">At least as long as the query.</param>
    public int Write(ReadOnlySpan<byte> query, Span<byte> target)
    {
        if (!_keeps && _names.Length == 0)
        {
            query.CopyTo(target);
            return query.Length;
        }
        int length = 0;
        foreach (Range part in query.Split((byte)'&'))
        {
            ReadOnlySpan<byte> parameter = query[part];
            if (parameter.IsEmpty || IsListed(parameter) != _keeps) continue;
            if (length > 0) target[length++] = (byte)'&';
            parameter.CopyTo(target[length..]);
            length += parameter.Length;
        }
        return length;
    }

    private bool IsListed(ReadOnlySpan<byte> parameter)
    {
        int equals = parameter.IndexOf((byte)'=');
        ReadOnlySpan<byte> name = equals < 0 ? parameter : parameter[..equals];
        foreach (byte[] listed in _names)
        {
            if (name.SequenceEqual(listed)) return true;
        }
        return false;
    }
}
