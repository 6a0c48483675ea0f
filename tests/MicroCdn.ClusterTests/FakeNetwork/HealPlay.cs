using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MicroCdn.Client;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>Some published files on a fake cluster, and what STATUS says of them.</summary>
internal sealed class HealPlay(FakeCluster cluster, int files)
{
    public FakeCluster Cluster => cluster;

    public string[] Names { get; } = [.. Enumerable.Range(0, files).Select(file => $"f{file}")];

    public static byte[] BytesOf(string name) => Encoding.UTF8.GetBytes($"these are the bytes of {name}");

    public async Task PutAllAsync()
    {
        foreach (string name in Names) await PutAsync(name);
    }

    public async Task PutAsync(string name, int replicas = 0, string? release = null)
    {
        FakeHost machine = cluster.Network.Host("client");
        Publisher publisher = new(new ClientOptions { IndexHost = "index" }, null, machine.Dialer, machine.Time);
        FileName.TryCreate(name, out FileName file);
        await cluster.World.ResultAsync(Task.Run(() => publisher.PutAsync(file, new MemoryStream(BytesOf(name)),
            new PutOptions { Replicas = replicas, Release = release }, null, CancellationToken.None)), $"{name} is published");
    }

    /// <summary>Says one line of version 2 to the index, and hears the answer.</summary>
    public async Task<string[]> SayAsync(string line)
    {
        List<string> lines = [];
        Task asking = Task.Run(async () =>
        {
            await using LineConnection connection =
                await cluster.Network.Host("client").Dialer.DialAsync("index", FakeCluster.IndexPort, CancellationToken.None);
            await connection.SendAsync(Encoding.UTF8.GetBytes($"HELLO 2\n{line}\n"), CancellationToken.None);
            await connection.ReadLineAsync(CancellationToken.None);
            while (await connection.ReadLineAsync(CancellationToken.None) is { } answer)
            {
                lines.Add(Encoding.UTF8.GetString(answer.Span));
                if (lines[^1] == "END" || lines[^1].StartsWith("ERROR ", StringComparison.Ordinal)) return;
            }
        });
        await cluster.World.UntilAsync(() => asking.IsCompleted, $"{line} is answered", TimeSpan.FromSeconds(5));
        await asking;
        return [.. lines];
    }

    /// <summary>A number of STATUS.</summary>
    public async Task<long> NumberAsync(string word) => long.Parse(
        Word((await SayAsync("STATUS"))[0], word), CultureInfo.InvariantCulture);

    /// <summary>What STATUS says of a server; empty when it does not say it.</summary>
    public async Task<string> OfServerAsync(string id, string word)
    {
        string[] lines = await SayAsync("STATUS");
        return Word(lines.FirstOrDefault(line => line.StartsWith($"SERVER {id} ", StringComparison.Ordinal)) ?? "", word);
    }

    /// <summary>How many of the files a server itself shows.</summary>
    public async Task<int> CopiesAtAsync(string id, string prefix = "f")
    {
        int count = 0;
        foreach (string name in Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            if (await GetAsync(id, name) is not null) count++;
        }
        return count;
    }

    /// <summary>How many copies of them there are.</summary>
    public async Task<int> SumAsync()
    {
        int sum = 0;
        foreach (string line in await SayAsync("STATUS"))
        {
            if (line.StartsWith("SERVER ", StringComparison.Ordinal))
            {
                sum += int.Parse(Word(line, "copies"), CultureInfo.InvariantCulture);
            }
        }
        return sum;
    }

    /// <summary>The first file that two servers have.</summary>
    public async Task<string> FirstAtAsync(string one, string other)
    {
        foreach (string name in Names)
        {
            if (await GetAsync(one, name) is not null && await GetAsync(other, name) is not null) return name;
        }
        throw cluster.World.Failure($"{one} and {other} have a file in common", "they have none");
    }

    /// <summary>Changes a byte of a server's copy on its disk.</summary>
    public void Spoil(string id, string name)
    {
        string digest = Convert.ToHexStringLower(SHA256.HashData(BytesOf(name)));
        string file = Directory.EnumerateFiles(cluster.World.Folder[$"state of {id}"], "*", SearchOption.AllDirectories)
            .Single(path => path.EndsWith(digest[2..], StringComparison.Ordinal));
        byte[] bytes = File.ReadAllBytes(file);
        bytes[0]++;
        using FileStream stream = new(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        stream.Write(bytes);
    }

    /// <summary>The servers that have the bytes of a file, whether a name shows them or not.</summary>
    public async Task<string[]> StagedAtAsync(string name)
    {
        string digest = Convert.ToHexStringLower(SHA256.HashData(BytesOf(name)));
        List<string> all = [];
        foreach (string id in new[] { "CS1", "CS2", "CS3" })
        {
            Task<string?> asking = Task.Run(() => AskAsync(id, $"RANGE 0 1 {name} sha256={digest}"));
            if (await cluster.World.ResultAsync(asking, $"{id} answers", TimeSpan.FromSeconds(5)) == "OK 1") all.Add(id);
        }
        return [.. all];
    }

    private async Task<string?> AskAsync(string id, string line)
    {
        try
        {
            await using LineConnection connection = await cluster.Network.Host("client").Dialer.DialAsync(
                id.ToLowerInvariant(), 7001, CancellationToken.None);
            await connection.SendAsync(Encoding.UTF8.GetBytes($"HELLO 2\n{line}\n"), CancellationToken.None);
            await connection.ReadLineAsync(CancellationToken.None);
            return await connection.ReadLineAsync(CancellationToken.None) is { } answer
                ? Encoding.UTF8.GetString(answer.Span) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>How often an order about a file failed.</summary>
    public int FailuresOf(string name) => cluster.World.Log.Lines.Count(line =>
        line.Text.Contains($"Fetch of '{name}' by ", StringComparison.Ordinal));

    public Task UntilHealthyAsync(TimeSpan within) => UntilAsync(async () =>
        await NumberAsync("missing") == 0 && await NumberAsync("making") == 0, "no copy is missing", within);

    public async Task UntilAsync(Func<Task<bool>> condition, string expected, TimeSpan within)
    {
        TimeSpan since = cluster.World.Now;
        while (!await condition())
        {
            if (cluster.World.Now - since >= within)
            {
                throw cluster.World.Failure($"{expected} within {within}", string.Join('\n', await SayAsync("STATUS")));
            }
            await cluster.World.AdvanceAsync(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>What a server itself shows under a name; null for nothing.</summary>
    public async Task<byte[]?> GetAsync(string id, string name)
    {
        byte[]? got = null;
        Task asking = Task.Run(async () => got = await FetchAsync(id, name));
        await cluster.World.UntilAsync(() => asking.IsCompleted, $"{id} answers", TimeSpan.FromSeconds(5));
        await asking;
        return got;
    }

    private async Task<byte[]?> FetchAsync(string id, string name)
    {
        try
        {
            await using LineConnection connection = await cluster.Network.Host("client").Dialer.DialAsync(
                id.ToLowerInvariant(), 7001, CancellationToken.None);
            await connection.SendAsync(Encoding.UTF8.GetBytes($"GET {name}\n"), CancellationToken.None);
            if (await connection.ReadLineAsync(CancellationToken.None) is not { } line) return null;
            string head = Encoding.UTF8.GetString(line.Span);
            if (!head.StartsWith("OK ", StringComparison.Ordinal)) return null;
            byte[] bytes = new byte[int.Parse(head[3..], CultureInfo.InvariantCulture)];
            for (int read = 0; read < bytes.Length;)
            {
                read += await connection.ReadAsync(bytes.AsMemory(read), CancellationToken.None);
            }
            return bytes;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string Word(string line, string word) =>
        line.Split(' ').FirstOrDefault(one => one.StartsWith($"{word}=", StringComparison.Ordinal))?[(word.Length + 1)..]
        ?? "";
}
