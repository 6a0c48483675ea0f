using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace MicroCdn.Tests.Network;

/// <summary>A TLS 1.3 client that does what .NET's own cannot be made to do: it changes its keys whenever it is
/// told.</summary>
internal sealed class OpenSslClient : IAsyncDisposable
{
    private const string Tls = "libssl.so.3", Crypto = "libcrypto.so.3";
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly NetworkStream _below;
    private readonly nint _session;
    private readonly nint _came = BIO_new(BIO_s_mem());
    private readonly nint _goes = BIO_new(BIO_s_mem());
    private readonly byte[] _block = new byte[64 * 1024];

    public OpenSslClient(NetworkStream below, string protocol)
    {
        _below = below;
        nint context = SSL_CTX_new(TLS_client_method());
        _session = SSL_new(context);
        SSL_CTX_free(context);
        SSL_set_bio(_session, _came, _goes);
        byte[] offer = [(byte)protocol.Length, .. Encoding.ASCII.GetBytes(protocol)];
        _ = SSL_set_alpn_protos(_session, offer, (uint)offer.Length);
        SSL_set_connect_state(_session);
    }

    /// <summary>The first bytes of a handshake.</summary>
    public byte[] Hello()
    {
        _ = SSL_do_handshake(_session);
        return Written();
    }

    public async Task<OpenSslClient> ShakeAsync()
    {
        for (int done = 0; done != 1;)
        {
            done = SSL_do_handshake(_session);
            await _below.WriteAsync(Written());
            if (done != 1) Assert.True(await ReceiveAsync() > 0, "ended in the handshake");
        }
        return this;
    }

    public async Task WriteAsync(byte[] bytes)
    {
        Assert.Equal(bytes.Length, SSL_write(_session, bytes, bytes.Length));
        await _below.WriteAsync(Written());
    }

    /// <summary>Changes the keys so many times, in one write; each time the peer may be asked to do the
    /// same.</summary>
    public async Task ChangeKeysAsync(int times, bool asks)
    {
        for (int time = 0; time < times; time++)
        {
            Assert.Equal(1, SSL_key_update(_session, asks ? 1 : 0));
            Assert.Equal(1, SSL_do_handshake(_session));
        }
        await _below.WriteAsync(Written());
    }

    /// <summary>Reads some; 0 when the connection ends, in whatever way.</summary>
    public async Task<int> ReadAsync(byte[] target)
    {
        while (true)
        {
            int read = SSL_read(_session, target, target.Length);
            if (read > 0) return read;
            try
            {
                if (await ReceiveAsync() == 0) return 0;
            }
            catch (IOException)
            {
                return 0;
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        SSL_free(_session);
        return _below.DisposeAsync();
    }

    private async Task<int> ReceiveAsync()
    {
        int came = await _below.ReadAsync(_block).AsTask().WaitAsync(Bound);
        if (came > 0) Assert.Equal(came, BIO_write(_came, _block, came));
        return came;
    }

    private byte[] Written()
    {
        List<byte> all = [];
        for (int read; (read = BIO_read(_goes, _block, _block.Length)) > 0;) all.AddRange(_block.AsSpan(0, read));
        return [.. all];
    }

    [DllImport(Tls)]
    private static extern nint TLS_client_method();

    [DllImport(Tls)]
    private static extern nint SSL_CTX_new(nint method);

    [DllImport(Tls)]
    private static extern void SSL_CTX_free(nint context);

    [DllImport(Tls)]
    private static extern nint SSL_new(nint context);

    [DllImport(Tls)]
    private static extern void SSL_free(nint session);

    [DllImport(Tls)]
    private static extern void SSL_set_bio(nint session, nint input, nint output);

    [DllImport(Tls)]
    private static extern int SSL_set_alpn_protos(nint session, byte[] protocols, uint length);

    [DllImport(Tls)]
    private static extern void SSL_set_connect_state(nint session);

    [DllImport(Tls)]
    private static extern int SSL_do_handshake(nint session);

    [DllImport(Tls)]
    private static extern int SSL_key_update(nint session, int asks);

    [DllImport(Tls)]
    private static extern int SSL_read(nint session, byte[] bytes, int length);

    [DllImport(Tls)]
    private static extern int SSL_write(nint session, byte[] bytes, int length);

    [DllImport(Crypto)]
    private static extern nint BIO_s_mem();

    [DllImport(Crypto)]
    private static extern nint BIO_new(nint method);

    [DllImport(Crypto)]
    private static extern int BIO_read(nint bio, byte[] bytes, int length);

    [DllImport(Crypto)]
    private static extern int BIO_write(nint bio, byte[] bytes, int length);
}
