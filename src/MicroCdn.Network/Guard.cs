using MicroCdn.Protocol;

namespace MicroCdn.Network;

/// <summary>Stands beside one accepted connection and says whether its control messages are taken.</summary>
/// <remarks>
/// <para>Without keys that is a matter of where the peer is: loopback, or a trusted network. With keys it is a matter
/// of what it proved: AUTH names a role and an id, and what a role may say is asked for at each message. A stranger's
/// message costs one comparison, a forged proof two hashes; neither is answered with more than a line.</para>
/// <para>A proof holds as long as its key is one of ours: a key that is taken out of the key file ends it, and
/// with it the connection and its seal.</para>
/// </remarks>
public sealed class Guard(Credentials credentials, TrustedNetworks trust, IPeer peer, Complaints complaints)
{
    private Nonce? _nonce;
    private ServerKey? _proved;
    private bool _saidMissing;

    /// <summary>What the peer proved to be; none when it proved nothing, or by a key that counts no more.</summary>
    public PeerRole Role => Proved?.Role ?? PeerRole.None;

    /// <summary>The id that it proved to go by, or null.</summary>
    public ServerId? Id => Proved?.Server;

    /// <summary>The seal of the datagrams that belong to this connection; null when nothing was proved on it.</summary>
    public DatagramSeal? Seal { get; private set; }

    /// <summary>True when the peer may hold this connection for ever: strangers could hold many that nobody
    /// needs.</summary>
    public bool MayStay => Proved is not null
        || (credentials.Mode != AuthMode.Required && trust.Contains(peer.Remote));

    /// <summary>True once the key by which the peer proved itself was taken out: an honest peer comes again, and proves
    /// itself by another.</summary>
    public bool HasLapsed => _proved is not null && Proved is null;

    private ServerKey? Proved => _proved is { } key && credentials.Keys?.Accepts(key.Id) == true ? key : null;

    /// <summary>Answers HELLO; where there are keys, version 2 is told a fresh nonce.</summary>
    public void Welcome(int version, Answer answer)
    {
        if (version == 1 || !credentials.AreThere)
        {
            answer.Write(Greeting.Welcome(version));
            return;
        }
        Nonce nonce = credentials.Draw();
        _nonce = nonce;
        Greeting.WriteWelcome2(answer, credentials.Mode, nonce);
    }

    /// <summary>The nonce that this peer was told, or null. Good for one try: a peer that guesses has to come
    /// again.</summary>
    public Nonce? TakeNonce()
    {
        Nonce? nonce = _nonce;
        _nonce = null;
        return nonce;
    }

    /// <summary>Checks AUTH and proves ourselves in return; a wrong proof is answered and the connection
    /// closed.</summary>
    public WireError? HandleAuth(Words words, Answer answer)
    {
        if (credentials.Keys is not { } keys) return WireErrors.UnknownCommand;
        if (!AuthMessage.TryParse(words, out AuthMessage message)) return WireErrors.Malformed;
        Nonce? nonce = TakeNonce();
        (_proved, Seal) = (null, null);
        ServerId.TryCreate(message.Id, out ServerId id);
        ServerKey? key = keys.Find(message.Key, message.Role, id);
        if (nonce is not { } own || key is null || !Handshake.IsProved(key, own, message))
        {
            string why = nonce is null ? "it did not ask for a nonce by HELLO 2"
                : key is null ? $"its key {message.Key} is none of ours" : $"its proof does not fit key {message.Key}";
            complaints.Add($"refused {message.Role.Word()} {id} at {peer.Remote}: {why} (see --key-file)");
            answer.WriteError(WireErrors.NotAuthenticated);
            answer.Close();
            return null;
        }
        (_proved, Seal) = (key, Handshake.Seal(key, own, message.Nonce).While(credentials));
        Handshake.WriteAnswer(answer, key, own, message.Nonce);
        return null;
    }

    /// <summary>Null when the peer may say what only these roles say, else why not.</summary>
    public WireError? Refuses(PeerRole roles)
    {
        if (Proved is { } proved) return (roles & proved.Role) != 0 ? null : WireErrors.NotAuthenticated;
        if (credentials.Mode == AuthMode.Required) return WireErrors.NotAuthenticated;
        if (!trust.Contains(peer.Remote)) return WireErrors.NotTrusted;
        if (credentials.Mode == AuthMode.Permissive && !_saidMissing)
        {
            complaints.Add($"let pass from {peer.Remote} without proof of a key (--auth permissive)");
            _saidMissing = true;
        }
        return null;
    }

    /// <summary>The same for what such a peer may only say of itself.</summary>
    public WireError? Refuses(PeerRole roles, ServerId id) => Refuses(roles)
        ?? (Proved is { } proved && proved.Server != id ? WireErrors.NotAuthenticated : null);
}
