using System.Text;
using MicroCdn.Network;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>An index of version 2 that orders what a test says, and notes what it is told.</summary>
internal sealed class OrderingIndex
{
    private readonly Lock _lock = new();
    private readonly FakeWorld _world;
    private readonly Dictionary<string, Queue<string>> _orders = [];
    private readonly List<string> _heard = [];
    private readonly Dictionary<string, TaskCompletionSource> _waiting = [];

    private readonly Func<FakeHost> _host;

    public OrderingIndex(FakeCluster cluster, string host = "index", bool listens = true)
    {
        (_world, _host) = (cluster.World, () => cluster.Network.Host(host));
        if (listens) Listen();
    }

    /// <summary>Begins to listen, at first or after the host was killed.</summary>
    public void Listen() => _host().Listen(FakeCluster.IndexPort, ServeAsync);

    /// <summary>Every line so far, but for greetings.</summary>
    public string[] Heard
    {
        get
        {
            lock (_lock) return [.. _heard];
        }
    }

    /// <summary>True to close at each NOTE instead of answering it.</summary>
    public bool IsForgetful { get; set; }

    /// <summary>Gives a server these lines at its next question.</summary>
    public void Order(string server, params string[] lines)
    {
        lock (_lock)
        {
            if (!_orders.TryGetValue(server, out Queue<string>? queue)) queue = _orders[server] = [];
            foreach (string line in lines) queue.Enqueue(line);
            if (_waiting.Remove(server, out TaskCompletionSource? waiting)) waiting.SetResult();
        }
    }

    /// <summary>Waits until a line was heard.</summary>
    public Task UntilAsync(string line) => _world.UntilAsync(() => Heard.Contains(line), $"the index hears '{line}'",
        TimeSpan.FromSeconds(20), () => $"it heard:\n{string.Join('\n', Heard)}");

    private async Task ServeAsync(LineConnection connection, CancellationToken cancellationToken)
    {
        while (await connection.ReadLineAsync(cancellationToken) is { } bytes)
        {
            string line = Encoding.UTF8.GetString(bytes.Span);
            string[] words = line.Split(' ');
            if (words[0] != "HELLO") lock (_lock) _heard.Add(line);
            if (words[0] == "NOTE" && IsForgetful) return;
            string? answer = words[0] switch
            {
                "HELLO" => "WELCOME MICRO-CDN 2\n",
                "REGISTER" => "OK REGISTERED\n",
                "DONE_FILES" => "OK FILES_ADDED\n",
                "NOTE" => "OK NOTED\n",
                "ORDERS" => await AnswerAsync(words[1], cancellationToken),
                _ => null,
            };
            if (answer is not null) await connection.SendAsync(Encoding.UTF8.GetBytes(answer), cancellationToken);
        }
    }

    private async Task<string> AnswerAsync(string server, CancellationToken cancellationToken)
    {
        TaskCompletionSource? waiting = null;
        lock (_lock)
        {
            if (!_orders.TryGetValue(server, out Queue<string>? queue) || queue.Count == 0)
            {
                waiting = _waiting[server] = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
        if (waiting is not null)
        {
            Task late = Task.Delay(TimeSpan.FromSeconds(5), _world.Time, cancellationToken);
            await Task.WhenAny(waiting.Task, late);
        }
        lock (_lock)
        {
            StringBuilder answer = new();
            if (_orders.TryGetValue(server, out Queue<string>? queue))
            {
                while (queue.TryDequeue(out string? line)) answer.Append(line).Append('\n');
            }
            return answer.Append("END\n").ToString();
        }
    }
}
