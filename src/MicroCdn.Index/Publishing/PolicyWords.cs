using System.Buffers;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>A policy as words: <c>prefix replicas=N [spread=1] [server=ID]...</c>; the prefix alone takes it
/// out.</summary>
internal static class PolicyWords
{
    /// <summary>Reads them; a null policy for a prefix alone.</summary>
    public static bool TryRead(Words words, out string prefix, out ReplicationPolicy? policy)
    {
        (prefix, policy) = ("", null);
        if (!words.Next(out ReadOnlySpan<byte> encoded)) return false;
        byte[] decoded = new byte[encoded.Length];
        prefix = Encoding.UTF8.GetString(decoded, 0, PercentText.Decode(encoded, decoded));
        long replicas = 0;
        bool isSpread = false, isValid = PolicyTable.IsPrefix(prefix);
        List<ServerId> servers = [];
        while (isValid && words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (key.SequenceEqual("replicas"u8))
            {
                isValid = Words.IsNumber(value, out replicas) && replicas is >= 1 and <= Limits.Replicas;
            }
            else if (key.SequenceEqual("spread"u8)) isSpread = value.SequenceEqual("1"u8);
            else if (key.SequenceEqual("server"u8))
            {
                isValid = ServerId.TryCreate(value, out ServerId server)
                    && servers.Count < ReplicationPolicy.MostServers;
                servers.Add(server);
            }
        }
        if (replicas > 0) policy = new ReplicationPolicy((byte)replicas, isSpread, servers);
        return isValid && words.AtEnd && (replicas > 0 || (!isSpread && servers.Count == 0));
    }

    /// <summary>A policy as words.</summary>
    public static string Of(string prefix, ReplicationPolicy policy)
    {
        ArrayBufferWriter<byte> word = new();
        PercentText.Encode(Encoding.UTF8.GetBytes(prefix), word);
        return $"{Encoding.UTF8.GetString(word.WrittenSpan)} replicas={policy.Replicas}"
            + (policy.IsSpread ? " spread=1" : "") + string.Concat(policy.Servers.Select(one => $" server={one}"));
    }
}
