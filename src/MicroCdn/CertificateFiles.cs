using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MicroCdn.Http;
using MicroCdn.Network;
using Microsoft.Extensions.Logging;

namespace MicroCdn;

/// <summary>A certificate and its key in PEM files, read again when they change; connections that stand are not
/// touched.</summary>
internal sealed partial class CertificateFiles : ITlsContexts, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // The key of session tickets ends with the context: whoever learns it can read what was resumed in one day.
    private static readonly TimeSpan TicketTime = TimeSpan.FromDays(1);

    private readonly string _certificate;
    private readonly string _key;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private TlsContext _current;
    private (DateTime, DateTime) _times;
    private long _since;
    private long _ends;

    /// <summary>Reads both files.</summary>
    /// <exception cref="UnusableCertificateException">They cannot be read, or do not belong together.</exception>
    public CertificateFiles(string certificate, string key, TimeProvider time, ILogger logger)
    {
        (_certificate, _key, _time, _logger) = (certificate, key, time, logger);
        try
        {
            (_times, _since) = (Times(), time.GetTimestamp());
            _current = Load();
        }
        catch (Exception exception) when (IsUnusable(exception))
        {
            throw new UnusableCertificateException(certificate, key, exception);
        }
        _timer = time.CreateTimer(_ => Look(), null, Interval, Interval);
    }

    /// <inheritdoc/>
    public TlsContext Current => Volatile.Read(ref _current);

    /// <summary>When the certificate ends that is used now.</summary>
    public DateTimeOffset Ends => DateTimeOffset.FromUnixTimeSeconds(Volatile.Read(ref _ends));

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    // A pair that is half replaced does not fit; the old one serves until it does.
    private void Look()
    {
        try
        {
            (DateTime, DateTime) times = Times();
            bool isChanged = times != _times;
            if (!isChanged && _time.GetElapsedTime(_since) < TicketTime) return;
            (_times, _since) = (times, _time.GetTimestamp());
            Volatile.Write(ref _current, Load());
            if (isChanged) LogReloaded(_certificate);
        }
        catch (Exception exception) when (IsUnusable(exception))
        {
            LogKept(_certificate, exception.Message);
        }
    }

    // The first certificate of the file is the server's own, as everywhere; those behind it vouch for it.
    private TlsContext Load()
    {
        using X509Certificate2 own = X509Certificate2.CreateFromPemFile(_certificate, _key);
        X509Certificate2Collection chain = [];
        chain.ImportFromPemFile(_certificate);
        byte[] key = ((AsymmetricAlgorithm?)own.GetECDsaPrivateKey() ?? own.GetRSAPrivateKey()
            ?? throw new CryptographicException("the key is neither an RSA nor an ECDSA key")).ExportPkcs8PrivateKey();
        TlsContext context =
            new([.. chain.Select(one => one.RawData)], key, own.Subject, HttpService.Protocols);
        Volatile.Write(ref _ends, new DateTimeOffset(own.NotAfter).ToUnixTimeSeconds());
        return context;
    }

    private (DateTime, DateTime) Times() => (File.GetLastWriteTimeUtc(_certificate), File.GetLastWriteTimeUtc(_key));

    private static bool IsUnusable(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException;

    [LoggerMessage(7001, LogLevel.Information, "the certificate {File} was read again; new handshakes use it")]
    private partial void LogReloaded(string file);

    [LoggerMessage(7002, LogLevel.Warning,
        "the certificate {File} changed and cannot be used, the one before stays: {Reason}")]
    private partial void LogKept(string file, string reason);
}

/// <summary>The certificate or its key cannot be used; the message says what to do.</summary>
internal sealed class UnusableCertificateException(string certificate, string key, Exception inner) : Exception(
    $"the certificate '{certificate}' with the key '{key}' cannot be used: {inner.Message.TrimEnd('.')}; "
    + "--cert and --key want PEM files that belong together", inner);
