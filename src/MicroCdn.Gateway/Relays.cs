using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway;

/// <summary>A file that is to be relayed, and the servers to try.</summary>
internal sealed record RelayOrder(FileName Name, long Size, FileDigest Digest, IReadOnlyList<Server> Servers);

/// <summary>Passes files on from servers of version 1, which speak no HTTP: a bounded number at once.</summary>
internal sealed class Relays(IDialer dialer, Complaints complaints, TimeProvider time)
{
    /// <summary>The most at once: each holds a connection to a server and up to 128 KiB.</summary>
    public const int Most = 64;

    private const int MostServers = 3;
    private int _open;

    /// <summary>How many are under way.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Fetches the file and answers with it, or says why not.</summary>
    public void Start(RelayOrder order, Response response)
    {
        if (Interlocked.Increment(ref _open) > Most)
        {
            Interlocked.Decrement(ref _open);
            Sentences.Explain(response, HttpStatus.ServiceUnavailable,
                $"This file has to be passed on, and {Most} already are: try again soon.");
            return;
        }
        Relay relay = new(order, dialer, time);
        response.Later(relay);
        _ = Task.Run(() => RunAsync(relay, order, response));
    }

    /// <summary>The servers to try, in order: those that may get the client, and speak no HTTP.</summary>
    public static IReadOnlyList<Server> Suitable(ReadOnlySpan<Candidate> candidates)
    {
        List<Server> servers = [];
        foreach (Candidate candidate in candidates)
        {
            if (candidate.Exclusion != Exclusion.None || servers.Count == MostServers) continue;
            if (!Place.IsWeb(candidate.Server.Contact!)) servers.Add(candidate.Server);
        }
        return servers;
    }

    /// <summary>Writes the head of a relayed file. Its bytes come from wherever they are next time, so there is nothing
    /// to keep and nowhere to resume.</summary>
    public static void WriteHead(Response response, FileDigest digest)
    {
        response.Begin(HttpStatus.Ok);
        response.Fields("Content-Type: application/octet-stream\r\nX-Content-Type-Options: nosniff\r\n"u8);
        response.Fields("Accept-Ranges: none\r\nCache-Control: no-store\r\nVary: Accept\r\n"u8);
        Redirect.WriteDigests(response, digest);
    }

    private async Task RunAsync(Relay relay, RelayOrder order, Response response)
    {
        try
        {
            string? failure = await relay.RunAsync(response).ConfigureAwait(false);
            if (failure is not null) complaints.Add($"'{order.Name}' could not be passed on: {failure}");
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }
}
