using MicroCdn.Network;

namespace MicroCdn.Client;

/// <summary>What every download of one client is given.</summary>
internal sealed record Surroundings(
    ClientOptions Options, IFinder Finder, IDialer Dialer, TimeProvider Time, ListMemory? Memory, HttpFiles Http);
