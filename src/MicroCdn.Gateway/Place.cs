using System.Buffers;
using System.Net;
using System.Net.Sockets;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway;

/// <summary>Where a client stands: how it reached us, and by which URL it reaches others.</summary>
/// <param name="IsSecure">It came over TLS.</param>
/// <param name="Reached">Our address as it knows it.</param>
internal readonly record struct Place(bool IsSecure, IPAddress Reached)
{
    /// <summary>True when a server speaks HTTP in some way.</summary>
    public static bool IsWeb(Contact contact) =>
        contact.Url is not null || contact.HttpPort is not null || contact.HttpsPort is not null;

    /// <summary>Writes the URL of a file on a server that speaks HTTP: under the URL that the server advertised, else
    /// over the scheme by which the client came, where the server has it.</summary>
    public void WriteUrl(Contact contact, ReadOnlySpan<byte> name, IBufferWriter<byte> output) =>
        WriteUrl(contact, name, IsSecureAt(contact), output);

    /// <summary>Writes the URL of a file over one of the schemes that the server has.</summary>
    public void WriteUrl(Contact contact, ReadOnlySpan<byte> name, bool secure, IBufferWriter<byte> output)
    {
        WriteServer(contact, secure, output);
        PathNames.Write(name, output);
    }

    /// <summary>Writes the URL of a server, without the slash that a path begins with, over the scheme by which the
    /// client came where the server has it.</summary>
    public void WriteServer(Contact contact, IBufferWriter<byte> output) =>
        WriteServer(contact, IsSecureAt(contact), output);

    /// <summary>The same over one of the schemes that the server has.</summary>
    public void WriteServer(Contact contact, bool secure, IBufferWriter<byte> output)
    {
        if (contact.Url is { } url)
        {
            WriteText(url.AsSpan().TrimEnd('/'), output);
        }
        else
        {
            output.Write(secure ? "https://"u8 : "http://"u8);
            if (contact.Host is { } host) WriteHost(host, output);
            // One that registered from this machine is where the client found us.
            else WriteAddress(contact.IsLoopback ? WireAddress.Plain(Reached) : contact.Address, output);
            output.Write(":"u8);
            output.WriteNumber((secure ? contact.HttpsPort : contact.HttpPort) ?? 0);
        }
    }

    private bool IsSecureAt(Contact contact) =>
        contact.HttpPort is null || (IsSecure && contact.HttpsPort is not null);

    /// <summary>Writes the URL of a file on this gateway, as its client wrote it.</summary>
    public void WriteOwnUrl(
        ReadOnlySpan<byte> host, int port, ReadOnlySpan<byte> name, IBufferWriter<byte> output)
    {
        output.Write(IsSecure ? "https://"u8 : "http://"u8);
        output.Write(host);
        if (host.IsEmpty)
        {
            WriteAddress(WireAddress.Plain(Reached), output);
            output.Write(":"u8);
            output.WriteNumber(port);
        }
        PathNames.Write(name, output);
    }

    // An IPv6 literal stands in brackets (RFC 3986, section 3.2.2).
    private static void WriteHost(string host, IBufferWriter<byte> output)
    {
        bool bare = host.Contains(':') && host[0] != '[';
        if (bare) output.Write("["u8);
        WriteText(host, output);
        if (bare) output.Write("]"u8);
    }

    private static void WriteAddress(IPAddress address, IBufferWriter<byte> output)
    {
        bool brackets = address.AddressFamily == AddressFamily.InterNetworkV6;
        if (brackets) output.Write("["u8);
        address.TryFormat(output.GetSpan(64), out int length);
        output.Advance(length);
        if (brackets) output.Write("]"u8);
    }

    private static void WriteText(ReadOnlySpan<char> text, IBufferWriter<byte> output) =>
        output.Advance(System.Text.Encoding.UTF8.GetBytes(text, output.GetSpan(3 * text.Length)));
}

/// <summary>Finds out who a client is, also behind a proxy.</summary>
/// <param name="proxies">The proxies that are believed.</param>
internal sealed class Askers(IReadOnlyList<IPNetwork> proxies)
{
    private readonly ClientAddresses _clients = new(proxies);

    /// <summary>What the choice of a server may know of the client.</summary>
    public Asker Of(in Request request, IPeer peer, ServerId? not)
    {
        IPAddress address = _clients.Of(request, peer);
        // Who connects itself reaches us by the family of our own address: it may be mapped.
        IPAddress near = ReferenceEquals(address, peer.Remote) ? peer.Local : address;
        return new Asker(address, near.AddressFamily == AddressFamily.InterNetwork, not);
    }
}
