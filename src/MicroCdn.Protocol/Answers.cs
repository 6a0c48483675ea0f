using System.Net;
using System.Text;

namespace MicroCdn.Protocol;

// What a client of any role reads. These are values: they leave the line they came on.

/// <summary><c>SERVER ip tcp_port server_id size</c>: where an index sends a client.</summary>
/// <param name="Host">An address, or with some foreign peers a host name.</param>
/// <param name="Port">The line port there.</param>
/// <param name="Id">The server's id.</param>
/// <param name="Size">The file's length in bytes.</param>
public sealed record Route(string Host, int Port, ServerId Id, long Size)
{
    /// <summary>Reads a whole line; false when it is none.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, out Route? route)
    {
        Words words = new(line);
        bool valid = words.Next(out var verb) & verb.SequenceEqual("SERVER"u8)
            & words.Next(out var host) & words.NextPort(out int port) & words.Next(out var word)
            & words.NextNumber(out long size) && words.AtEnd & Heartbeat.IsHost(host);
        route = valid & ServerId.TryCreate(word, out ServerId id)
            ? new Route(Encoding.UTF8.GetString(host), port, id, size) : null;
        return route is not null;
    }
}

/// <summary><c>FILE file_name size</c>: one row of LIST_FILES.</summary>
/// <param name="Name">The decoded name.</param>
/// <param name="Size">The file's length in bytes.</param>
public sealed record FileRow(FileName Name, long Size)
{
    /// <summary>Reads a whole line; the name may hold raw spaces, as some foreign indexes write it.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, out FileRow? row)
    {
        row = null;
        Words words = new(line);
        if (!words.Next(out var verb) || !verb.SequenceEqual("FILE"u8)) return false;
        if (!words.Last(out var last) || !Words.IsNumber(last, out long size)) return false;
        Span<byte> decoded = stackalloc byte[Limits.LineBytes];
        if (words.Rest.Length > decoded.Length) return false;
        int length = PercentText.Decode(words.Rest, decoded);
        if (FileName.TryCreate(decoded[..length], out FileName name)) row = new FileRow(name, size);
        return row is not null;
    }
}

/// <summary><c>SERVER server_id ip tcp_port load status</c>: one row of LIST_SERVERS.</summary>
/// <param name="Id">The server's id.</param>
/// <param name="Host">An address, or with some foreign peers a host name.</param>
/// <param name="Port">The line port there.</param>
/// <param name="Load">Downloads under way there.</param>
/// <param name="Alive">False for any status but <c>alive</c>, as version 1 peers read it.</param>
public sealed record ServerRow(ServerId Id, string Host, int Port, int Load, bool Alive)
{
    /// <summary>The state, told to those who speak version 2; null when it was not told.</summary>
    public ServerState? State { get; init; }

    /// <summary>Why it is in that state, in words; null when nothing was told.</summary>
    public string? Why { get; init; }

    /// <summary>Reads a whole line; false when it is none.</summary>
    public static bool TryParse(ReadOnlySpan<byte> line, out ServerRow? row)
    {
        Words words = new(line);
        bool valid = words.Next(out var verb) & verb.SequenceEqual("SERVER"u8)
            & words.Next(out var word) & words.Next(out var host) & words.NextPort(out int port)
            & words.NextCount(out int load) & words.Next(out var status) && Heartbeat.IsHost(host);
        row = valid & ServerId.TryCreate(word, out ServerId id) ? Details(words,
            new ServerRow(id, Encoding.UTF8.GetString(host), port, load, status.SequenceEqual("alive"u8))) : null;
        return row is not null;
    }

    // What it cannot read of the words of version 2 it leaves out; null when other words follow.
    private static ServerRow? Details(Words words, ServerRow row)
    {
        while (words.NextPair(out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
        {
            if (key.SequenceEqual("state"u8) && ServerStates.TryParse(value, out ServerState state))
            {
                row = row with { State = state };
            }
            else if (key.SequenceEqual("why"u8))
            {
                byte[] decoded = new byte[value.Length];
                row = row with { Why = Encoding.UTF8.GetString(decoded, 0, PercentText.Decode(value, decoded)) };
            }
        }
        return words.AtEnd ? row : null;
    }
}

/// <summary>How addresses are written on the wire.</summary>
public static class WireAddress
{
    /// <summary>The address as a word; an IPv6 address that maps an IPv4 one is written as IPv4.</summary>
    public static string Format(IPAddress address) => Plain(address).ToString();

    /// <summary>The IPv4 address behind a mapped one; a link-local address without its scope, which means nothing
    /// elsewhere.</summary>
    public static IPAddress Plain(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        return address is { AddressFamily: System.Net.Sockets.AddressFamily.InterNetworkV6, ScopeId: not 0 }
            ? new IPAddress(address.GetAddressBytes()) : address;
    }
}
