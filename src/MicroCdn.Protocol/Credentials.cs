namespace MicroCdn.Protocol;

/// <summary>The keys that a process has at this moment, and what it asks of others.</summary>
/// <remarks>Shared by all roles of a process; a key file that changed is put in place whole.</remarks>
public sealed class Credentials
{
    private readonly RandomBytes _chance;
    private Keyring? _keys;

    private Credentials(AuthMode mode, Keyring? keys, RandomBytes chance) =>
        (Mode, _keys, _chance) = (mode, keys, chance);

    /// <summary>No key: nothing is proved, and nothing asked for.</summary>
    public static Credentials None { get; } = new(AuthMode.Off, null, _ => throw new InvalidOperationException());

    /// <summary>What is asked of others; off without keys.</summary>
    public AuthMode Mode { get; }

    /// <summary>The keys of this moment; null when the mode is off.</summary>
    public Keyring? Keys => Volatile.Read(ref _keys);

    /// <summary>True when there are keys.</summary>
    public bool AreThere => Keys is not null;

    /// <summary>Takes keys.</summary>
    /// <param name="mode">Permissive or required.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="chance">Draws nonces; a test may give one that can be foreseen.</param>
    public static Credentials Of(AuthMode mode, Keyring keys, RandomBytes chance)
    {
        ArgumentOutOfRangeException.ThrowIfEqual((int)mode, (int)AuthMode.Off);
        return new Credentials(mode, keys, chance);
    }

    /// <summary>Puts other keys in place; what was proved by a key that is gone counts no more.</summary>
    public void Replace(Keyring keys) => Volatile.Write(ref _keys, keys);

    /// <summary>Draws a nonce.</summary>
    public Nonce Draw() => Nonce.Draw(_chance);

    /// <summary>Draws bytes for a key or an initialization vector.</summary>
    public void Draw(Span<byte> bytes) => _chance(bytes);

    /// <summary>Who a role of this process is to others.</summary>
    public Identity As(PeerRole role, ServerId id) => new(this, role, id);
}

/// <summary>Who a role is, and the keys that prove it.</summary>
/// <param name="Credentials">The keys.</param>
/// <param name="Role">What it is.</param>
/// <param name="Id">The id it goes by.</param>
public sealed record Identity(Credentials Credentials, PeerRole Role, ServerId Id)
{
    /// <summary>The key that proves it; null without keys, or when the key file is another server's.</summary>
    public ServerKey? Key => Credentials.Keys?.Proving(Role, Id);

    /// <summary>True when nothing may be said to a peer that does not prove itself.</summary>
    public bool IsRequired => Credentials.Mode == AuthMode.Required;
}
