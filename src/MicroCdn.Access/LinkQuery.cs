using MicroCdn.Protocol;

namespace MicroCdn.Access;

/// <summary>A query, taken apart: what belongs to a signature, and the rest as it came.</summary>
/// <param name="room">Three times as many bytes as the query has.</param>
internal ref struct LinkQuery(Span<byte> room)
{
    private Span<byte> _room = room;

    /// <summary>The signature, with the kind in front.</summary>
    public ReadOnlySpan<byte> Token { get; private set; }

    /// <summary>When it ends, as digits.</summary>
    public ReadOnlySpan<byte> Expires { get; private set; }

    /// <summary>The folder for all of which it is good; empty for a file's.</summary>
    public ReadOnlySpan<byte> Folder { get; private set; }

    /// <summary>The network that it is bound to; empty for none.</summary>
    public ReadOnlySpan<byte> Network { get; private set; }

    /// <summary>All other words of the query, with what stands between them.</summary>
    public ReadOnlySpan<byte> Rest { get; private set; }

    /// <summary>Reads a query; false when there is no signature, or more than one of any of its parts.</summary>
    public bool TryRead(ReadOnlySpan<byte> query)
    {
        Span<byte> rest = Room(query.Length + 1);
        int length = 0;
        bool isSound = true;
        foreach (Range range in query.Split((byte)'&'))
        {
            ReadOnlySpan<byte> word = query[range];
            int name = word.IndexOf((byte)'=');
            ReadOnlySpan<byte> value = name < 0 ? default : word[(name + 1)..];
            switch (name < 0 ? word : word[..name])
            {
                case var key when key.SequenceEqual("token"u8):
                    isSound &= Token.IsEmpty && !value.IsEmpty;
                    Token = value;
                    break;
                case var key when key.SequenceEqual("expires"u8):
                    isSound &= Expires.IsEmpty && !value.IsEmpty;
                    Expires = value;
                    break;
                case var key when key.SequenceEqual("token_path"u8):
                    isSound &= Folder.IsEmpty && !value.IsEmpty;
                    Folder = Decoded(value);
                    break;
                case var key when key.SequenceEqual("token_net"u8):
                    isSound &= Network.IsEmpty && !value.IsEmpty;
                    Network = Decoded(value);
                    break;
                default:
                    if (length > 0) rest[length++] = (byte)'&';
                    word.CopyTo(rest[length..]);
                    length += word.Length;
                    break;
            }
        }
        Rest = rest[..length];
        return isSound && !Token.IsEmpty && !Expires.IsEmpty;
    }

    private ReadOnlySpan<byte> Decoded(ReadOnlySpan<byte> value)
    {
        Span<byte> decoded = Room(value.Length);
        return decoded[..PercentText.Decode(value, decoded)];
    }

    private Span<byte> Room(int length)
    {
        if (length > _room.Length) return new byte[length];
        Span<byte> taken = _room[..length];
        _room = _room[length..];
        return taken;
    }
}
