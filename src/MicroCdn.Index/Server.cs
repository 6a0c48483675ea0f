using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>One content server as the index knows it; its number stays the same as long as the index runs.</summary>
public sealed class Server
{
    // One answer counts as much as one download under way; halves, quarters and so on remain of it as it ages.
    internal const int OneAnswer = 256;

    private int _load;
    private int _recent;
    private volatile Contact? _contact;
    private volatile int _standing = (int)Standing.Never;
    private volatile Belief _belief = new(ServerState.Dead, "its list of files is not complete");
    private int _isLookedAt;

    internal Server(ServerId id, int number) =>
        (Id, Number, Spot) = (id, number, Rendezvous.SpotOf(Encoding.UTF8.GetBytes(id.Value)));

    /// <summary>The name it goes by.</summary>
    public ServerId Id { get; }

    /// <summary>How it is reached; null until its first list of files is complete, or an earlier process of the index
    /// knew it.</summary>
    public Contact? Contact
    {
        get => _contact;
        internal set => _contact = value;
    }

    /// <summary>What is believed of it; dead until its first list is complete.</summary>
    public ServerState State
    {
        get => _belief.State;
        internal set => Believe(value, "", asksTheDead: false);
    }

    /// <summary>Why it is believed, in words; empty for a server that is well.</summary>
    public string Why => _belief.Why;

    /// <summary>True when clients may be sent there, be it last.</summary>
    public bool IsAsked => _standing < (int)Standing.Never;

    /// <summary>True for one that an operator retired: it is asked where nobody else has the file.</summary>
    public bool IsRetired { get; internal set; }

    /// <summary>True for one that said itself that it ends, and may only be started anew.</summary>
    internal bool LeavesItself { get; set; }

    /// <summary>Its place in the order in which servers are asked; written in one step.</summary>
    internal Standing Standing => (Standing)_standing;

    /// <summary>Downloads under way there, as last reported.</summary>
    public int Load
    {
        get => Volatile.Read(ref _load);
        internal set => Volatile.Write(ref _load, value);
    }

    /// <summary>True while what is known of it is what an earlier process of the index knew: it has not registered
    /// since.</summary>
    internal bool IsRemembered => Evidence.IsRemembered;

    internal int Number { get; }

    /// <summary>Its id as <see cref="Rendezvous"/> has it.</summary>
    internal ulong Spot { get; }

    /// <summary>When it last completed a registration.</summary>
    internal long RegisteredAt { get; set; }

    /// <summary>When a monitor of version 1 last called it dead.</summary>
    internal long DownAt { get; set; } = long.MinValue;

    /// <summary>What the index itself has of it; the fleet's, under its lock.</summary>
    internal Evidence Evidence { get; set; }

    /// <summary>When the key that it registered by was taken out.</summary>
    internal long LapsedAt { get; set; }

    /// <summary>When clients last reported it.</summary>
    internal long ReportedAt { get; set; }

    /// <summary>The connection that registered it last and stands; null when none does.</summary>
    internal Claim? Claim { get; set; }

    /// <summary>The connection that registered it last and ended, and when; null while one stands.</summary>
    internal (Claim Claim, long At)? Parted { get; set; }

    /// <summary>What there is to do: the reported load, and our own answers since, which the report cannot know
    /// yet; each download counts <see cref="OneAnswer"/>.</summary>
    internal long Burden => ((long)Load * OneAnswer) + Volatile.Read(ref _recent);

    /// <summary>Counts a client that was sent here, so that a burst between two heartbeats spreads.</summary>
    public void CountAnswer() => Interlocked.Add(ref _recent, OneAnswer);

    /// <summary>Writes down what is believed of it; false when that is no news.</summary>
    /// <param name="state">The state.</param>
    /// <param name="why">The reason.</param>
    /// <param name="asksTheDead">The dead are asked too, last.</param>
    internal bool Believe(ServerState state, string why, bool asksTheDead)
    {
        Belief before = _belief;
        _standing = state switch
        {
            ServerState.Draining => (int)Standing.Never,
            ServerState.Dead => (int)(asksTheDead ? Standing.Last : Standing.Never),
            _ => IsRetired ? (int)Standing.Last : (int)state,
        };
        if (before.State == state && before.Why == why) return false;
        _belief = new Belief(state, why);
        return before.State != state;
    }

    /// <summary>Takes the one place of who looks whether it answers; false when somebody does already.</summary>
    internal bool TryLook() => Interlocked.Exchange(ref _isLookedAt, 1) == 0;

    /// <summary>Gives that place back.</summary>
    internal void Looked() => Volatile.Write(ref _isLookedAt, 0);

    /// <summary>Lets a quarter of the recent answers be forgotten; called once a second, so half is gone in 2.4
    /// s.</summary>
    internal void Forget()
    {
        int recent = Volatile.Read(ref _recent);
        Interlocked.Add(ref _recent, -((recent / 4) + (recent % 4 == 0 ? 0 : 1)));
    }
}

/// <summary>The order in which servers are asked; those in one place are equal to the policies.</summary>
internal enum Standing
{
    /// <summary>First.</summary>
    Alive = ServerState.Alive,

    /// <summary>Behind those.</summary>
    Returning = ServerState.Returning,

    /// <summary>Behind those.</summary>
    Unknown = ServerState.Unknown,

    /// <summary>Where nobody better has the file.</summary>
    Suspect = ServerState.Suspect,

    /// <summary>A retired one, and a dead one while those who say so do not trust themselves.</summary>
    Last,

    /// <summary>Not at all.</summary>
    Never,
}

/// <summary>What is believed of a server and why, as one thing, so that a reader never sees halves of two.</summary>
internal sealed record Belief(ServerState State, string Why);

/// <summary>How a server is reached and what it says of itself, with its part of every answer already
/// written.</summary>
public sealed class Contact
{
    // Divided by any weight it is rounded by less than a thousandth, and times the largest burden it still is a long.
    private const long WholeStrain = 1_000_000;

    /// <summary>The strain of a server that says nothing of its weight.</summary>
    internal const long UsualStrain = WholeStrain / Limits.UsualWeight;

    private readonly ServerFacts _facts;
    private readonly bool _suitsIPv4;

    internal Contact(ServerId id, IPAddress address, int tcpPort, int udpPort, ServerFacts? facts = null)
    {
        (Address, TcpPort, UdpPort, _facts) = (WireAddress.Plain(address), tcpPort, udpPort, facts ?? ServerFacts.None);
        IsLoopback = IPAddress.IsLoopback(Address);
        _suitsIPv4 = IsLoopback || Address.AddressFamily == AddressFamily.InterNetwork;
        Weight = _facts.Weight;
        Strain = WholeStrain / Weight;
        AfterAddress = Encoding.UTF8.GetBytes($" {tcpPort} {id} ");
        AddressWord = Encoding.UTF8.GetBytes(Address.ToString());
        (WebScheme, WebAuthority) = WebOf(_facts);
    }

    /// <summary>The address it registered from, a mapped one as IPv4.</summary>
    public IPAddress Address { get; }

    /// <summary>It registered from this machine: others reach it by whatever address they reached us.</summary>
    public bool IsLoopback { get; }

    /// <summary>Its line port.</summary>
    public int TcpPort { get; }

    /// <summary>The port its heartbeats leave from.</summary>
    public int UdpPort { get; }

    /// <summary>The port of its HTTP server; null when it has none, as every version 1 server.</summary>
    public int? HttpPort => _facts.HttpPort;

    /// <summary>The port of its HTTPS server; null when it has none.</summary>
    public int? HttpsPort => _facts.HttpsPort;

    /// <summary>What it says of itself.</summary>
    internal ServerFacts Facts => _facts;

    internal bool HasWebPort => HttpPort is not null || HttpsPort is not null;

    /// <summary>The host name or address that it wants clients to use; null when it said none.</summary>
    public string? Host => _facts.Host;

    /// <summary>The URL to which a file's name is appended; null when it said none.</summary>
    public string? Url => _facts.Url;

    /// <summary>Where it stands, in the operator's words; null when it did not say.</summary>
    public string? Zone => _facts.Zone;

    /// <summary>The country it stands in, two capital letters; null when it did not say.</summary>
    public string? Country => _facts.Country;

    /// <summary>How much it can take against others, 1 to 1000; 100 when it did not say.</summary>
    public int Weight { get; }

    /// <summary>What the paths begin with that it pulls from origins.</summary>
    public IReadOnlyList<string> Pulls => _facts.Pulls;

    /// <summary>How often it was started, by its own count; 0 when it did not say.</summary>
    public long Incarnation => _facts.Incarnation;

    /// <summary>How much one unit of burden weighs on it: the smaller its weight, the more.</summary>
    internal long Strain { get; }

    /// <summary>Where it is, by its own words or its address; one word, so read and written in one step.</summary>
    internal Place Place { get; set; }

    internal byte[] AddressWord { get; }

    internal byte[] AfterAddress { get; }

    /// <summary>What stands before and behind its address in the URL of its HTTP server, each ready to follow
    /// <c>http=</c>; empty where it has none. A server that said its host or URL has it all in front.</summary>
    internal byte[] WebScheme { get; }

    internal byte[] WebAuthority { get; }

    /// <summary>True when an asker can be sent there: over IPv4 only to an IPv4 address.</summary>
    public bool Suits(bool overIPv4) => !overIPv4 || _suitsIPv4;

    // The same order of preference as the gateway's: the URL it advertised, its HTTP port, its HTTPS port.
    private static (byte[] Before, byte[] Behind) WebOf(ServerFacts facts)
    {
        if (facts.Url is { } url) return (Word(url.TrimEnd('/')), []);
        if ((facts.HttpPort ?? facts.HttpsPort) is not { } port) return ([], []);
        string scheme = facts.HttpPort is null ? "https://" : "http://";
        if (facts.Host is not { } host) return (Word(scheme), Word($":{port}"));
        bool isBare = host.Contains(':') && host[0] != '[';
        return (Word(isBare ? $"{scheme}[{host}]:{port}" : $"{scheme}{host}:{port}"), []);

        static byte[] Word(string text)
        {
            ArrayBufferWriter<byte> word = new();
            PercentText.Encode(Encoding.UTF8.GetBytes(text), word);
            return word.WrittenSpan.ToArray();
        }
    }

    /// <summary>True when another contact leads to another place.</summary>
    internal bool IsElsewhere(Contact other) => !Address.Equals(other.Address) || TcpPort != other.TcpPort;
}
