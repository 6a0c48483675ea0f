namespace MicroCdn.Fuzz;

/// <summary>Makes one input out of others: flips, cuts, doubles, splices, and puts in words that parsers
/// know.</summary>
internal sealed class Mutations(Random chance, byte[][] words)
{
    /// <summary>The longest input that is made: longer than any line or head may be.</summary>
    public const int MostBytes = 40_000;

    private const int MostSteps = 6;

    /// <summary>An input made from one, and sometimes a second, of the corpus.</summary>
    public byte[] Next(byte[] parent, byte[] other)
    {
        List<byte> made = [.. parent];
        for (int steps = chance.Next(1, MostSteps); steps > 0; steps--) Step(made, other);
        if (made.Count > MostBytes) made.RemoveRange(MostBytes, made.Count - MostBytes);
        return [.. made];
    }

    private void Step(List<byte> made, byte[] other)
    {
        int at = chance.Next(made.Count + 1);
        int length = Math.Min(made.Count - at, chance.Next(1, 32));
        switch (chance.Next(10))
        {
            case 0 when at < made.Count:
                made[at] ^= (byte)(1 << chance.Next(8));
                break;
            case 1 when at < made.Count:
                made[at] = (byte)chance.Next(256);
                break;
            case 2:
                made.RemoveRange(at, length);
                break;
            case 3:
                made.InsertRange(at, made.GetRange(at, length));
                break;
            case 4 when other.Length > 0:
                int start = chance.Next(other.Length);
                made.InsertRange(at, other.AsSpan(start, Math.Min(other.Length - start, chance.Next(1, 64))).ToArray());
                break;
            case 5 when made.Count > 0:
                made.RemoveRange(at, made.Count - at);
                break;
            case 6:
                made.InsertRange(at, Number());
                break;
            case 7 when chance.Next(8) == 0:
                made.InsertRange(at, Enumerable.Repeat((byte)chance.Next(256), chance.Next(1, 10_000)));
                break;
            default:
                if (words.Length > 0) made.InsertRange(at, words[chance.Next(words.Length)]);
                break;
        }
    }

    // Numbers where programs break: around the powers of two, and those too long for any type.
    private byte[] Number()
    {
        int bits = chance.Next(1, 66);
        string text = ((System.Numerics.BigInteger.One << bits) + chance.Next(-2, 3)).ToString(null, null);
        return System.Text.Encoding.ASCII.GetBytes(text);
    }
}
