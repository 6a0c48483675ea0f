namespace MicroCdn.Bench;

/// <summary>A certificate of our own for 127.0.0.1: two PEM files that every server here is given.</summary>
internal sealed record Certificate(string Chain, string Key)
{
    /// <summary>Has openssl make one in the workspace, with a key that makes handshakes cheap: they are not
    /// measured.</summary>
    public static Certificate Make(Workspace workspace)
    {
        string folder = workspace.MakeFolder("certificate");
        Certificate made = new(Path.Combine(folder, "cert.pem"), Path.Combine(folder, "key.pem"));
        Tool.Run(Machine.Program("openssl", "openssl"), TimeSpan.FromSeconds(30),
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", made.Key, "-out", made.Chain);
        return made;
    }
}
