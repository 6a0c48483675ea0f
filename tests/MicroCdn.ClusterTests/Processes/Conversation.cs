using System.Net.Sockets;
using System.Text;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>A line connection of version 2 that says what it likes.</summary>
internal sealed class Conversation : IDisposable
{
    private readonly TcpClient _client;
    private readonly StreamReader _lines;

    public Conversation(int port)
    {
        _client = new TcpClient("127.0.0.1", port);
        _lines = new StreamReader(_client.GetStream());
        _client.GetStream().Write("HELLO 2\n"u8);
    }

    public async Task<string[]> AskAsync(string line, string last)
    {
        await SendAsync(Encoding.UTF8.GetBytes(line + "\n"));
        return await UntilAsync(last);
    }

    public async Task SendAsync(byte[] bytes) => await _client.GetStream().WriteAsync(bytes);

    public async Task<string[]> UntilAsync(string last)
    {
        using CancellationTokenSource late = new(TimeSpan.FromSeconds(45));
        List<string> lines = [];
        while (await _lines.ReadLineAsync(late.Token) is { } line)
        {
            lines.Add(line);
            if (line.StartsWith(last, StringComparison.Ordinal)) return [.. lines];
        }
        throw new IOException($"it said no {last} but {string.Join(", ", lines)}");
    }

    public void Dispose()
    {
        _lines.Dispose();
        _client.Dispose();
    }
}
