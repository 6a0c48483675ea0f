using MicroCdn.Protocol;

namespace MicroCdn.Testing;

/// <summary>Keys for tests, and chance that anyone can foresee.</summary>
public static class TestKeys
{
    /// <summary>The bytes 0, 1, 2 ... 31; its id is 630dcd29.</summary>
    public static ClusterKey Usual { get; } = new([.. Enumerable.Range(0, ClusterKey.Length).Select(n => (byte)n)]);

    /// <summary>Another key: 32 bytes of 0xEE.</summary>
    public static ClusterKey Other { get; } = new([.. Enumerable.Repeat((byte)0xEE, ClusterKey.Length)]);

    /// <summary>Credentials whose draws are all bytes of 1, then of 2, and so on.</summary>
    public static Credentials Counting(AuthMode mode, params ReadOnlySpan<IKey> keys)
    {
        int draws = 0;
        return Credentials.Of(mode, new Keyring(keys), bytes => bytes.Fill((byte)Interlocked.Increment(ref draws)));
    }
}
