using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Testing;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Network;

/// <summary>A TLS port on one event loop, and clients for it.</summary>
internal sealed class TlsPort : ITlsContexts, IDisposable
{
    private readonly LoopPort _port;
    private TlsContext _current = Context("one");

    public TlsPort(IConversations service, TimeProvider? time = null) => _port = new LoopPort(service, this, time);

    public LogBook Log => _port.Log;

    /// <summary>What it is on.</summary>
    public LoopPort Loop => _port;

    public TlsContext Current
    {
        get => Volatile.Read(ref _current);
        set => Volatile.Write(ref _current, value);
    }

    public static TlsContext Context(string subject)
    {
        TestCertificate test = new(subject);
        using X509Certificate2 certificate = X509Certificate2.CreateFromPem(test.Certificate, test.Key);
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        return new TlsContext([certificate.RawData], key.ExportPkcs8PrivateKey(), certificate.Subject,
            HttpService.Protocols);
    }

    public void Dispose() => _port.Dispose();

    /// <summary>A connection without TLS.</summary>
    public NetworkStream Connect() => _port.Connect();

    /// <summary>A connection after its handshake.</summary>
    public async Task<SslStream> ShakeAsync(
        Func<Stream, Stream>? between = null, SslProtocols version = SslProtocols.None, string? protocol = null)
    {
        Stream below = Connect();
        SslStream tls = new(between is null ? below : between(below));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = version,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            ApplicationProtocols = protocol is null ? null : [new SslApplicationProtocol(protocol)],
        });
        return tls;
    }
}

/// <summary>Remembers what was written, and passes it down one byte at a time, each in a segment of its own.</summary>
internal sealed class DrippingStream(Stream below) : Stream
{
    public List<byte> Written { get; } = [];

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush() => below.Flush();

    public override int Read(byte[] buffer, int offset, int count) => below.Read(buffer, offset, count);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        below.ReadAsync(buffer, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count)
    {
        Written.AddRange(buffer.AsSpan(offset, count));
        for (int at = offset; at < offset + count; at++) below.Write(buffer, at, 1);
    }

    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Written.AddRange(buffer.Span);
        for (int at = 0; at < buffer.Length; at++) await below.WriteAsync(buffer.Slice(at, 1), cancellationToken);
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        below.Dispose();
        base.Dispose(disposing);
    }
}
