using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Network;

/// <summary>What new handshakes use; it may be another from one moment to the next.</summary>
public interface ITlsContexts
{
    /// <summary>The one of the moment.</summary>
    TlsContext Current { get; }
}

/// <summary>The protocols that a TLS port offers inside (ALPN, RFC 7301), the preferred one first.</summary>
/// <remarks>Made once: its bytes stay for as long as the process lives, since OpenSSL keeps a pointer to
/// them.</remarks>
[SupportedOSPlatform("linux")]
public sealed unsafe class TlsProtocols
{
    /// <summary>Takes their names, each of 1 to 255 ASCII characters.</summary>
    public TlsProtocols(params ReadOnlySpan<string> names)
    {
        List<byte> list = [];
        foreach (string name in names) list.AddRange([(byte)name.Length, .. Encoding.ASCII.GetBytes(name)]);
        // The length comes first, then the list as it stands on the wire.
        byte* bytes = (byte*)NativeMemory.Alloc((nuint)(sizeof(uint) + list.Count));
        *(uint*)bytes = (uint)list.Count;
        list.CopyTo(new Span<byte>(bytes + sizeof(uint), list.Count));
        Pointer = (nint)bytes;
    }

    internal nint Pointer { get; }

    // Chooses for one handshake. A peer that offers only what we do not speak is told so and let go.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static int Choose(
        nint session, byte** chosen, byte* chosenLength, byte* theirs, uint theirsLength, nint argument)
    {
        byte* ours = (byte*)argument;
        int result = OpenSsl.SSL_select_next_proto(
            chosen, chosenLength, ours + sizeof(uint), *(uint*)ours, theirs, theirsLength);
        return result == OpenSsl.Negotiated ? 0 : OpenSsl.AlertFatal;
    }
}

/// <summary>A certificate with its key, ready for handshakes. Connections keep the one they began with.</summary>
/// <remarks>TLS 1.2 and later; no renegotiation, no compression. Sessions are resumed by tickets, whose key is made
/// with the context and ends with it; nothing is kept of a connection that ended.</remarks>
[SupportedOSPlatform("linux")]
public sealed unsafe class TlsContext
{
    // A handshake's first flight must fit what leaves in one piece.
    private const int MostChainBytes = 64 * 1024;
    private readonly SslContextHandle _handle;

    /// <summary>Makes one.</summary>
    /// <param name="chain">The certificate, and those that vouch for it, in DER: at most 64 KiB.</param>
    /// <param name="key">The certificate's private key in PKCS #8.</param>
    /// <param name="subject">Whom the certificate names.</param>
    /// <param name="protocols">What is spoken inside.</param>
    /// <exception cref="CryptographicException">OpenSSL refuses them, or there is no OpenSSL 3.</exception>
    public TlsContext(
        IReadOnlyList<byte[]> chain, ReadOnlySpan<byte> key, string subject, TlsProtocols protocols)
    {
        Subject = subject;
        if (chain.Sum(one => one.Length) > MostChainBytes)
        {
            throw new CryptographicException("the chain of certificates is longer than 64 KiB");
        }
        try
        {
            _handle = SslContextHandle.Create();
            _ = OpenSsl.SSL_CTX_ctrl(_handle, OpenSsl.ControlLeastVersion, OpenSsl.Version12, 0);
            _ = OpenSsl.SSL_CTX_ctrl(_handle, OpenSsl.ControlMode, OpenSsl.ReleaseBuffers, 0);
            // A record that holds none of the peer's bytes returns to us, who count them.
            _ = OpenSsl.SSL_CTX_ctrl(_handle, OpenSsl.ControlClearMode, OpenSsl.AutoRetry, 0);
            _ = OpenSsl.SSL_CTX_ctrl(_handle, OpenSsl.ControlSessionCache, OpenSsl.NoCache, 0);
            _ = OpenSsl.SSL_CTX_set_options(_handle, OpenSsl.NoCompression | OpenSsl.NoRenegotiation);
            OpenSsl.SSL_CTX_set_alpn_select_cb(_handle, &TlsProtocols.Choose, protocols.Pointer);
            UseCertificate(chain[0]);
            foreach (byte[] other in chain.Skip(1)) UseOther(other);
            UseKey(key);
        }
        catch (DllNotFoundException exception)
        {
            throw new CryptographicException("HTTPS needs OpenSSL 3 (libssl.so.3), which is not installed", exception);
        }
    }

    /// <summary>Whom the certificate names.</summary>
    public string Subject { get; }

    internal nint CreateSession() => OpenSsl.SSL_new(_handle);

    private void UseCertificate(byte[] certificate)
    {
        fixed (byte* bytes = certificate)
        {
            Check(OpenSsl.SSL_CTX_use_certificate_ASN1(_handle, certificate.Length, bytes));
        }
    }

    private void UseOther(byte[] certificate)
    {
        fixed (byte* bytes = certificate)
        {
            byte* at = bytes;
            nint other = OpenSsl.d2i_X509(0, &at, certificate.Length);
            Check(other == 0 ? 0 : 1);
            // Taken over when it succeeds.
            if (OpenSsl.SSL_CTX_ctrl(_handle, OpenSsl.ControlChain, 0, other) == 1) return;
            OpenSsl.X509_free(other);
            Check(0);
        }
    }

    private void UseKey(ReadOnlySpan<byte> key)
    {
        fixed (byte* bytes = key)
        {
            byte* at = bytes;
            nint one = OpenSsl.d2i_AutoPrivateKey(0, &at, key.Length);
            Check(one == 0 ? 0 : 1);
            int used = OpenSsl.SSL_CTX_use_PrivateKey(_handle, one);
            OpenSsl.EVP_PKEY_free(one);
            Check(used);
            Check(OpenSsl.SSL_CTX_check_private_key(_handle));
        }
    }

    private static void Check(int result)
    {
        if (result != 1) throw new CryptographicException(OpenSsl.Reason());
    }
}

/// <summary>OpenSSL's own object behind a context; connections hold it too, so it ends with the last of them.</summary>
[SupportedOSPlatform("linux")]
internal sealed class SslContextHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    public static SslContextHandle Create()
    {
        SslContextHandle created = new();
        created.SetHandle(OpenSsl.SSL_CTX_new(OpenSsl.TLS_server_method()));
        return created.IsInvalid ? throw new CryptographicException(OpenSsl.Reason()) : created;
    }

    protected override bool ReleaseHandle()
    {
        OpenSsl.SSL_CTX_free(handle);
        return true;
    }
}
