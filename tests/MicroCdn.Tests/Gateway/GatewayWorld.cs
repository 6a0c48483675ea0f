using System.Net;
using System.Text;
using MicroCdn.Gateway;
using MicroCdn.Network;
using MicroCdn.Tests.Index;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Gateway;

/// <summary>A gateway before an index in memory: a test registers servers and asks as an HTTP client would.</summary>
internal sealed class GatewayWorld
{
    private readonly GatewayRole _role;

    public GatewayWorld(bool relays = true, IDialer? dialer = null, string[]? cors = null, params string[] proxies)
    {
        GatewayOptions options = new()
        {
            HttpPort = 8080, HttpsPort = 8443, Relays = relays, Proxies = [.. proxies.Select(IPNetwork.Parse)],
            CorsOrigins = cors ?? [],
        };
        _role = new GatewayRole(options, Index.Directory, dialer ?? new Unreachable(), Index.Time, Index.Log);
    }

    public IndexWorld Index { get; } = new();

    /// <summary>A server of version 2 registers; a file is its line after the id.</summary>
    public void Register(string id, string remote, string facts, params string[] files)
    {
        string list = string.Concat(files.Select(file => $"ADD_FILE {id} {file}\n"));
        Wire wire = Index.Connect(remote).Receive($"HELLO 2\nREGISTER {id} 7001 7002 {facts}\n{list}DONE_FILES\n");
        Index.Apply();
        Assert.EndsWith("OK FILES_ADDED\n", wire.Turn().Take(), StringComparison.Ordinal);
    }

    public void Kill(string id) => Index.Ask($"SERVER_DOWN {id} 1\n");

    public Wire Connect(bool secure = false, string remote = "192.0.2.9", string local = "198.51.100.1") =>
        new(_role.Listeners[secure ? 1 : 0].Service, Peer.From(remote, local));

    /// <summary>The whole answer to one request.</summary>
    /// <param name="target">The path and the query, as they stand on the wire.</param>
    /// <param name="fields">Further field lines.</param>
    /// <param name="method">The method.</param>
    /// <param name="secure">Over TLS.</param>
    /// <param name="remote">The client's address.</param>
    /// <param name="local">Our address as it knows it.</param>
    public Reply Ask(string target, string fields = "", string method = "GET", bool secure = false,
        string remote = "192.0.2.9", string local = "198.51.100.1")
    {
        Wire wire = Connect(secure, remote, local);
        return new Reply(wire.Receive(Request(target, fields, method)).SentBytes);
    }

    public static string Request(string target, string fields = "", string method = "GET") =>
        $"{method} {target} HTTP/1.1\r\nHost: cdn.example.org\r\n{fields}\r\n";

    private sealed class Unreachable : IDialer
    {
        public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken) =>
            throw new IOException($"{host}:{port} cannot be reached");
    }
}

/// <summary>One HTTP response, taken apart.</summary>
internal sealed class Reply
{
    private readonly string[] _lines;

    public Reply(byte[] bytes)
    {
        int end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        Assert.True(end > 0, $"no head: {Encoding.UTF8.GetString(bytes)}");
        HeadBytes = end + 4;
        _lines = Encoding.UTF8.GetString(bytes, 0, end).Split("\r\n");
        BodyBytes = bytes[(end + 4)..];
    }

    public int HeadBytes { get; }

    public byte[] BodyBytes { get; }

    public string Body => Encoding.UTF8.GetString(BodyBytes);

    public int Status => int.Parse(_lines[0].AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>All values of a field.</summary>
    public string[] All(string field) => [.. _lines.Skip(1)
        .Where(line => line.StartsWith(field + ": ", StringComparison.OrdinalIgnoreCase))
        .Select(line => line[(field.Length + 2)..])];

    public string? this[string field] => All(field).SingleOrDefault();
}
