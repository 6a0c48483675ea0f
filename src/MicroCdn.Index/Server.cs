using System.Net;
using System.Net.Sockets;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>One content server as the index knows it; its number stays the same as long as the index runs.</summary>
internal sealed class Server(ServerId id, int number)
{
    // One answer counts as much as one download under way; halves, quarters and so on remain of it as it ages.
    private const int OneAnswer = 256;

    private int _load;
    private int _recent;
    private volatile Contact? _contact;
    private volatile bool _isAlive;

    public ServerId Id => id;

    public int Number => number;

    /// <summary>How it is reached; null until its first list of files is complete.</summary>
    public Contact? Contact
    {
        get => _contact;
        set => _contact = value;
    }

    public bool IsAlive
    {
        get => _isAlive;
        set => _isAlive = value;
    }

    /// <summary>When it last completed a registration.</summary>
    public long RegisteredAt { get; set; }

    /// <summary>When a monitor last called it dead.</summary>
    public long DownAt { get; set; } = long.MinValue;

    /// <summary>Downloads under way there, as last reported.</summary>
    public int Load
    {
        get => Volatile.Read(ref _load);
        set => Volatile.Write(ref _load, value);
    }

    /// <summary>What the choice compares: the reported load, and our own answers since, which the report cannot know
    /// yet.</summary>
    public long Weight => ((long)Load * OneAnswer) + Volatile.Read(ref _recent);

    public void CountAnswer() => Interlocked.Add(ref _recent, OneAnswer);

    /// <summary>Lets a quarter of the recent answers be forgotten; called once a second, so half is gone in 2.4
    /// s.</summary>
    public void Forget()
    {
        int recent = Volatile.Read(ref _recent);
        Interlocked.Add(ref _recent, -((recent / 4) + (recent % 4 == 0 ? 0 : 1)));
    }
}

/// <summary>How a server is reached, with its part of every answer already written.</summary>
internal sealed class Contact
{
    public Contact(ServerId id, IPAddress address, int tcpPort, int udpPort)
    {
        (Address, TcpPort, UdpPort) = (WireAddress.Plain(address), tcpPort, udpPort);
        IsLoopback = IPAddress.IsLoopback(Address);
        AfterAddress = Encoding.UTF8.GetBytes($" {tcpPort} {id} ");
        AddressWord = Encoding.UTF8.GetBytes(Address.ToString());
    }

    public IPAddress Address { get; }

    public int TcpPort { get; }

    public int UdpPort { get; }

    /// <summary>It registered from this machine: others reach it by whatever address they reached us.</summary>
    public bool IsLoopback { get; }

    public byte[] AddressWord { get; }

    public byte[] AfterAddress { get; }

    /// <summary>True when another contact leads to another place.</summary>
    public bool IsElsewhere(Contact other) => !Address.Equals(other.Address) || TcpPort != other.TcpPort;

    /// <summary>True when an asker can be sent there: over IPv4 only to an IPv4 address.</summary>
    public bool Suits(bool overIPv4) =>
        !overIPv4 || IsLoopback || Address.AddressFamily == AddressFamily.InterNetwork;
}
