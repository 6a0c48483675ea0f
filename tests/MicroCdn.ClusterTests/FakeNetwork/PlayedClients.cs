using System.Globalization;
using System.Text;
using MicroCdn.Client;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>Who publishes, downloads and asks in a play.</summary>
internal sealed class PlayedClients(FakeCluster cluster, params string[] indexes)
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    /// <summary>Which of the indexes they know first.</summary>
    public int First { get; set; }

    private FakeWorld World => cluster.World;

    private ClientOptions Options => indexes.Length == 1 ? new ClientOptions { IndexHost = indexes[0] }
        : new ClientOptions
        {
            Indexes = [.. indexes.Skip(First).Concat(indexes.Take(First))
                .Select(host => new IndexEndPoint(host, FakeCluster.IndexPort))],
        };

    public static FileName NameOf(string name) => FileName.TryCreate(name, out FileName file) ? file : default;

    public Publisher Publisher()
    {
        FakeHost machine = cluster.Network.Host("client");
        return new Publisher(Options, null, machine.Dialer, machine.Time);
    }

    public async Task PutAsync(string name, byte[] bytes, bool isNew, CancellationToken cancellationToken) =>
        await Publisher().PutAsync(NameOf(name), new MemoryStream(bytes), new PutOptions { Replicas = 2, IsNew = isNew },
            null, cancellationToken);

    public async Task RemoveAsync(string name, CancellationToken cancellationToken) =>
        await Publisher().RemoveAsync(NameOf(name), match: 0, cancellationToken);

    /// <summary>What a client gets; an answer without bytes is that there is no such file.</summary>
    public async Task<(bool IsAnswer, byte[]? Bytes)> DownloadAsync(string name, bool isQuiet)
    {
        using CancellationTokenSource impatience = new();
        FakeHost machine = cluster.Network.Host("client");
        Task<DownloadResult> download = Task.Run(() => new CdnClient(Options, machine.Dialer, machine.Time)
            .DownloadAsync(NameOf(name), World.Folder["got"], null, impatience.Token));
        await EndAsync(download, isQuiet ? 200 : 10, impatience, "the download gives up");
        try
        {
            await download;
            return (true, World.Folder.Read("got"));
        }
        catch (CdnException exception) when (exception.Failure == CdnFailure.NotFound)
        {
            return (true, null);
        }
        catch (Exception exception) when (exception is CdnException { Failure: not CdnFailure.WrongBytes }
            or OperationCanceledException or IOException)
        {
            return (false, null);
        }
    }

    /// <summary>What a server itself shows under a name; null for nothing, or no answer.</summary>
    public async Task<byte[]?> FetchAsync(string id, string name)
    {
        using CancellationTokenSource stop = new();
        Task<byte[]?> asking = Task.Run(() => FetchAsync(id.ToLowerInvariant(), name, stop.Token));
        await EndAsync(asking, 4, stop, "the question ends");
        return await asking;
    }

    /// <summary>Says lines to an index in version 2; each answer of several lines as one text, as far as they
    /// came.</summary>
    public async Task<List<string>> AskAsync(string host, string lines, int answers)
    {
        using CancellationTokenSource stop = new();
        List<string> said = [];
        Task asking = Task.Run(() => AskAsync(host, $"HELLO 2\n{lines}", said, answers, stop.Token));
        await EndAsync(asking, 10, stop, "the question ends");
        return said;
    }

    private async Task EndAsync(Task task, int steps, CancellationTokenSource impatience, string what)
    {
        for (int wait = 0; wait < steps && !task.IsCompleted; wait++) await World.AdvanceAsync(Step);
        await impatience.CancelAsync();
        await World.UntilAsync(() => task.IsCompleted, what, TimeSpan.FromSeconds(5));
    }

    private async Task<byte[]?> FetchAsync(string host, string name, CancellationToken cancellationToken)
    {
        try
        {
            await using LineConnection connection =
                await cluster.Network.Host("client").Dialer.DialAsync(host, 7001, cancellationToken);
            await connection.SendAsync(Encoding.UTF8.GetBytes($"GET {name}\n"), cancellationToken);
            ReadOnlyMemory<byte>? head = await connection.ReadLineAsync(cancellationToken);
            if (head is not { } line || !line.Span.StartsWith("OK "u8)) return null;
            byte[] bytes = new byte[int.Parse(line.Span[3..], CultureInfo.InvariantCulture)];
            for (int read = 0; read < bytes.Length;)
            {
                int more = await connection.ReadAsync(bytes.AsMemory(read), cancellationToken);
                if (more == 0) return null;
                read += more;
            }
            return bytes;
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return null;
        }
    }

    private async Task AskAsync(
        string host, string lines, List<string> said, int answers, CancellationToken cancellationToken)
    {
        try
        {
            await using LineConnection connection = await cluster.Network.Host("client").Dialer.DialAsync(
                host, FakeCluster.IndexPort, cancellationToken);
            await connection.SendAsync(Encoding.UTF8.GetBytes(lines), cancellationToken);
            await connection.ReadLineAsync(cancellationToken);
            StringBuilder answer = new();
            while (said.Count < answers && await connection.ReadLineAsync(cancellationToken) is { } line)
            {
                string text = Encoding.UTF8.GetString(line.Span);
                answer.Append(answer.Length > 0 ? "\n" : "").Append(text);
                if (text != "END" && !text.StartsWith("ERROR ", StringComparison.Ordinal)) continue;
                said.Add(answer.ToString());
                answer.Clear();
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // What was answered counts.
        }
    }
}
