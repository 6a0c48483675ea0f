using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MicroCdn.Testing;

/// <summary>A certificate that a test made, with its key, as PEM text.</summary>
public sealed class TestCertificate
{
    private static readonly DateTimeOffset Start = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Makes one for localhost that signs itself.</summary>
    /// <param name="name">Its subject, by which a test tells it from others.</param>
    /// <param name="end">When it ends; in fifty years when nothing is said.</param>
    public TestCertificate(string name = "localhost", DateTimeOffset? end = null)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(Start, end ?? Start.AddYears(50));
        (Certificate, Key) = (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>The certificate in PEM.</summary>
    public string Certificate { get; }

    /// <summary>Its key in PEM.</summary>
    public string Key { get; }
}
