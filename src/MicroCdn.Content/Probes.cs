using System.Buffers;
using System.Net;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Content;

/// <summary>Answers PING datagrams: whoever is suspected shows at once that it lives.</summary>
/// <remarks>Only monitors are answered, one datagram for one: an answer that anyone could ask for in another's name
/// would be a weapon. Everything else is dropped and counted.</remarks>
internal sealed class Probes(ContentOptions options, long incarnation, IDatagramPort port, Complaints complaints,
    Predicate<IPAddress> isMonitor)
{
    private readonly byte[] _id = Encoding.UTF8.GetBytes(options.Id.Value);
    private readonly TrustedNetworks _trust = new(options.Trust);
    private readonly ArrayBufferWriter<byte> _answer = new(Limits.DatagramBytes);

    /// <summary>The seals of the monitors' tethers of this moment, by which their PINGs are told from
    /// others.</summary>
    public Func<IEnumerable<DatagramSeal>> Seals { get; init; } = () => [];

    /// <summary>Takes one datagram.</summary>
    public void Take(ReadOnlySpan<byte> datagram, ReadOnlySpan<byte> sender, int senderPort)
    {
        if (!TryParse(datagram, out ReadOnlySpan<byte> nonce, out long? sequence) || senderPort == 0)
        {
            complaints.Count();
            return;
        }
        IPAddress address = WireAddress.Plain(new IPAddress(sender));
        DatagramSeal? seal = SealOn(datagram);
        // A recording is worth nothing, or whoever has one could make this server send, and to any address.
        if (seal is not null && !(sequence is { } number && seal.Pings.TryTake(number)))
        {
            complaints.Count();
            return;
        }
        bool isProved = seal is not null || options.Credentials.Mode != AuthMode.Required;
        if (!isProved || (seal is null && !_trust.Contains(sender) && !isMonitor(address)))
        {
            complaints.Count();
            return;
        }
        _answer.ResetWrittenCount();
        Write(nonce);
        seal?.Append(_answer);
        port.Send(_answer.WrittenSpan, new IPEndPoint(address, senderPort));
    }

    // The seal of the monitor that made this datagram, or null.
    private DatagramSeal? SealOn(ReadOnlySpan<byte> datagram)
    {
        foreach (DatagramSeal seal in Seals())
        {
            if (seal.IsOn(datagram)) return seal;
        }
        return null;
    }

    private void Write(ReadOnlySpan<byte> nonce)
    {
        _answer.Write("PONG "u8);
        _answer.Write(_id);
        _answer.Write(" nonce="u8);
        _answer.Write(nonce);
        _answer.Write(" inc="u8);
        _answer.WriteNumber(incarnation);
    }

    // PING server_id nonce=HEX16 [seq=N], and words that a later version may add; the id must be ours.
    private bool TryParse(ReadOnlySpan<byte> datagram, out ReadOnlySpan<byte> nonce, out long? sequence)
    {
        nonce = [];
        sequence = null;
        if (datagram.Length > Limits.DatagramBytes) return false;
        Words words = new(datagram.TrimEnd("\r\n"u8));
        if (!words.Next(out ReadOnlySpan<byte> word) || !word.SequenceEqual("PING"u8)) return false;
        if (!words.Next(out word) || !word.SequenceEqual(_id)) return false;
        while (words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (key.SequenceEqual("nonce"u8)) nonce = value;
            else if (key.SequenceEqual("seq"u8))
            {
                if (!Words.IsNumber(value, out long number)) return false;
                sequence = number;
            }
        }
        return words.AtEnd && Nonces.TryParse(nonce, out _);
    }
}
