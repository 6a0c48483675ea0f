using MicroCdn.Network;
using MicroCdn.Testing;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Executable;

public sealed class CertificateFilesTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly LogBook _log = new();
    private DateTime _written = new(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_pair_that_was_replaced_is_read_again()
    {
        TestCertificate one = new("one"), two = new("two");
        Put("cert.pem", one.Certificate, "key.pem", one.Key);
        using CertificateFiles files = Read();
        Assert.Equal("CN=one", files.Current.Subject);
        Put("cert.pem", two.Certificate, "key.pem", two.Key);
        Assert.Equal("CN=one", files.Current.Subject);
        _time.Advance(Second);
        Assert.Equal("CN=two", files.Current.Subject);
        Assert.EndsWith("was read again; new handshakes use it", Assert.Single(_log.Lines), StringComparison.Ordinal);
        _time.Advance(Second);
        Assert.Single(_log.Lines);
    }

    [Fact]
    public void A_half_replaced_pair_keeps_the_old_one_and_says_so_once()
    {
        TestCertificate one = new("one"), two = new("two");
        Put("cert.pem", one.Certificate, "key.pem", one.Key);
        using CertificateFiles files = Read();
        Put("cert.pem", two.Certificate);
        _time.Advance(Second);
        _time.Advance(Second);
        Assert.Equal("CN=one", files.Current.Subject);
        Assert.Contains("cannot be used, the one before stays", Assert.Single(_log.Lines), StringComparison.Ordinal);
        Put("key.pem", two.Key);
        _time.Advance(Second);
        Assert.Equal("CN=two", files.Current.Subject);
        Assert.Equal(2, _log.Lines.Length);
    }

    [Fact]
    public void A_pair_that_stays_gets_a_new_key_for_tickets_once_a_day_and_nothing_is_said()
    {
        TestCertificate one = new("one");
        Put("cert.pem", one.Certificate, "key.pem", one.Key);
        using CertificateFiles files = Read();
        TlsContext first = files.Current;
        _time.Advance(TimeSpan.FromHours(23));
        Assert.Same(first, files.Current);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.NotSame(first, files.Current);
        Assert.Equal("CN=one", files.Current.Subject);
        Assert.Empty(_log.Lines);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no pem")]
    [InlineData("-----BEGIN CERTIFICATE-----\nMIIB")]
    public void A_certificate_that_is_cut_off_or_gone_keeps_the_old_one(string text)
    {
        TestCertificate one = new("one");
        Put("cert.pem", one.Certificate, "key.pem", one.Key);
        using CertificateFiles files = Read();
        Put("cert.pem", text);
        _time.Advance(Second);
        Assert.Equal("CN=one", files.Current.Subject);
        File.Delete(_folder["cert.pem"]);
        _time.Advance(Second);
        File.Move(_folder["key.pem"], _folder["key.old"]);
        _time.Advance(Second);
        Assert.Equal("CN=one", files.Current.Subject);
        Assert.Equal(3, _log.Lines.Length);
        Put("cert.pem", one.Certificate, "key.pem", one.Key);
        _time.Advance(Second);
        Assert.EndsWith("was read again; new handshakes use it", _log.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void The_folder_of_the_certificate_may_vanish()
    {
        TestCertificate one = new("one");
        Put("sub/cert.pem", one.Certificate, "sub/key.pem", one.Key);
        using CertificateFiles files = Read("sub/cert.pem", "sub/key.pem");
        Directory.Delete(_folder["sub"], recursive: true);
        File.WriteAllText(_folder["sub"], "a file now");
        _time.Advance(Second);
        Assert.Equal("CN=one", files.Current.Subject);
        Assert.Contains("cannot be used, the one before stays", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pair_that_cannot_be_used_at_start_is_one_sentence()
    {
        TestCertificate one = new(), two = new();
        Put("cert.pem", one.Certificate, "key.pem", one.Key);
        Put("other.pem", two.Key, "text.pem", "text");
        foreach ((string certificate, string key) in new[]
            { ("cert.pem", "other.pem"), ("cert.pem", "text.pem"), ("text.pem", "key.pem"), ("key.pem", "key.pem"),
                ("cert.pem", "cert.pem"), ("none.pem", "key.pem"), ("cert.pem", "none.pem"), (".", "key.pem") })
        {
            string sentence = Assert.Throws<UnusableCertificateException>(() => Read(certificate, key)).Message;
            Assert.StartsWith(
                $"the certificate '{_folder[certificate]}' with the key '{_folder[key]}' cannot be used: ", sentence,
                StringComparison.Ordinal);
            Assert.DoesNotContain('\n', sentence);
        }
    }

    private CertificateFiles Read(string certificate = "cert.pem", string key = "key.pem") =>
        new(_folder[certificate], _folder[key], _time, _log);

    // Each writing is a minute later than the one before: what is written at one moment looks unchanged.
    private void Put(params string[] namesAndTexts)
    {
        _written = _written.AddMinutes(1);
        foreach (string[] file in namesAndTexts.Chunk(2))
        {
            _folder.Write(file[0], file[1]);
            File.SetLastWriteTimeUtc(_folder[file[0]], _written);
        }
    }
}
