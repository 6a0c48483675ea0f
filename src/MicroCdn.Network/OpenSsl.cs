using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace MicroCdn.Network;

/// <summary>The calls of OpenSSL 3 that TLS on the event loops is made of.</summary>
/// <remarks>Each returns what its manual page says. Errors stand in a queue of the calling thread, which
/// <see cref="Reason"/> empties.</remarks>
[SupportedOSPlatform("linux")]
internal static unsafe partial class OpenSsl
{
    public const int WantsRead = 2, ZeroReturn = 6;
    public const int AlertFatal = 2, NoAcknowledgement = 3, Negotiated = 1;
    public const int ControlMode = 33, ControlSessionCache = 44, ControlClearMode = 78;
    public const int ControlChain = 89, ControlLeastVersion = 123;
    public const int AutoRetry = 0x4, ReleaseBuffers = 0x10, Version12 = 0x303, NoCache = 0;
    public const ulong NoCompression = 1 << 17, NoRenegotiation = 1 << 30;
    public const int SourceSink = 0x400, Flush = 11;
    public const int WantsReadAgain = 0x9, WantsWriteAgain = 0xA, RetryFlags = 0xF;
    private const string Tls = "libssl.so.3", Crypto = "libcrypto.so.3";

    /// <summary>Why the last call failed, in OpenSSL's words; empties the queue.</summary>
    public static string Reason()
    {
        byte* text = stackalloc byte[256];
        ulong first = ERR_get_error();
        ERR_clear_error();
        if (first == 0) return "no reason given";
        ERR_error_string_n(first, text, 256);
        return Marshal.PtrToStringUTF8((nint)text)!;
    }

    [LibraryImport(Tls)]
    public static partial nint TLS_server_method();

    [LibraryImport(Tls)]
    public static partial nint SSL_CTX_new(nint method);

    [LibraryImport(Tls)]
    public static partial void SSL_CTX_free(nint context);

    [LibraryImport(Tls)]
    public static partial nint SSL_CTX_ctrl(SslContextHandle context, int command, nint number, nint pointer);

    [LibraryImport(Tls)]
    public static partial ulong SSL_CTX_set_options(SslContextHandle context, ulong options);

    [LibraryImport(Tls)]
    public static partial int SSL_CTX_use_certificate_ASN1(SslContextHandle context, int length, byte* bytes);

    [LibraryImport(Tls)]
    public static partial int SSL_CTX_use_PrivateKey(SslContextHandle context, nint key);

    [LibraryImport(Tls)]
    public static partial int SSL_CTX_check_private_key(SslContextHandle context);

    [LibraryImport(Tls)]
    public static partial void SSL_CTX_set_alpn_select_cb(SslContextHandle context,
        delegate* unmanaged[Cdecl]<nint, byte**, byte*, byte*, uint, nint, int> select, nint argument);

    [LibraryImport(Tls)]
    public static partial int SSL_select_next_proto(
        byte** chosen, byte* chosenLength, byte* ours, uint oursLength, byte* theirs, uint theirsLength);

    [LibraryImport(Tls)]
    public static partial void SSL_get0_alpn_selected(nint session, byte** chosen, uint* length);

    [LibraryImport(Tls)]
    public static partial nint SSL_new(SslContextHandle context);

    [LibraryImport(Tls)]
    public static partial void SSL_free(nint session);

    [LibraryImport(Tls)]
    public static partial void SSL_set_accept_state(nint session);

    [LibraryImport(Tls)]
    public static partial void SSL_set_bio(nint session, nint input, nint output);

    [LibraryImport(Tls)]
    public static partial int SSL_is_init_finished(nint session);

    [LibraryImport(Tls)]
    public static partial int SSL_read(nint session, byte* bytes, int length);

    [LibraryImport(Tls)]
    public static partial int SSL_write(nint session, byte* bytes, int length);

    [LibraryImport(Tls)]
    public static partial int SSL_shutdown(nint session);

    [LibraryImport(Tls)]
    public static partial int SSL_get_error(nint session, int result);

    [LibraryImport(Crypto)]
    public static partial void ERR_clear_error();

    [LibraryImport(Crypto)]
    public static partial nint BIO_meth_new(int type, [MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [LibraryImport(Crypto)]
    public static partial int BIO_meth_set_read_ex(
        nint method, delegate* unmanaged[Cdecl]<nint, byte*, nuint, nuint*, int> read);

    [LibraryImport(Crypto)]
    public static partial int BIO_meth_set_write_ex(
        nint method, delegate* unmanaged[Cdecl]<nint, byte*, nuint, nuint*, int> write);

    [LibraryImport(Crypto)]
    public static partial int BIO_meth_set_ctrl(
        nint method, delegate* unmanaged[Cdecl]<nint, int, nint, nint, nint> control);

    [LibraryImport(Crypto)]
    public static partial nint BIO_new(nint method);

    [LibraryImport(Crypto)]
    public static partial void BIO_set_data(nint bio, nint data);

    [LibraryImport(Crypto)]
    public static partial nint BIO_get_data(nint bio);

    [LibraryImport(Crypto)]
    public static partial void BIO_set_flags(nint bio, int flags);

    [LibraryImport(Crypto)]
    public static partial void BIO_clear_flags(nint bio, int flags);

    [LibraryImport(Crypto)]
    public static partial nint d2i_AutoPrivateKey(nint target, byte** bytes, nint length);

    [LibraryImport(Crypto)]
    public static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Crypto)]
    public static partial nint d2i_X509(nint target, byte** bytes, nint length);

    [LibraryImport(Crypto)]
    public static partial void X509_free(nint certificate);

    [LibraryImport(Crypto)]
    private static partial ulong ERR_get_error();

    [LibraryImport(Crypto)]
    private static partial void ERR_error_string_n(ulong error, byte* text, nuint length);
}
