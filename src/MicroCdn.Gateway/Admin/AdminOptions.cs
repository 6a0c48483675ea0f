using System.Net;
using System.Net.Sockets;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Gateway.Admin;

/// <summary>What the admin port is told at start.</summary>
public sealed record AdminOptions
{
    /// <summary>The address it listens on.</summary>
    public IPAddress Bind { get; init; } = IPAddress.Loopback;

    /// <summary>The port.</summary>
    public int Port { get; init; } = 8081;

    /// <summary>Where a browser of this machine finds it.</summary>
    public string Address => $"{(Bind.Equals(IPAddress.Any) ? "127.0.0.1" : Bind.Equals(IPAddress.IPv6Any) ? "[::1]"
        : Bind.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{Bind}]" : Bind)}:{Port}";

    /// <summary>The file that the first token is in.</summary>
    public string TokenPath => Path.Combine(State, AdminRole.TokenFile);

    /// <summary>The folder of the index's own state: the first token and uploads on their way go there.</summary>
    public required string State { get; init; }

    /// <summary>The most that uploads on their way may take of the disk.</summary>
    public long UploadBytes { get; init; } = long.MaxValue;

    /// <summary>What stays free of the disk.</summary>
    public long LeastFreeBytes { get; init; } = 1L << 30;

    /// <summary>How this process is set, to be shown.</summary>
    public Func<IReadOnlyList<SettingView>> Settings { get; init; } = () => [];
}
