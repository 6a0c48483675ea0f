using System.Text;
using MicroCdn.Network;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>A version 1 index or monitor in a few lines: it notes what it hears and answers as a test says.</summary>
internal sealed class ForeignIndex
{
    private readonly Lock _lock = new();
    private readonly FakeWorld _world;
    private readonly Func<Heard, Reply> _reply;
    private readonly List<Heard> _heard = [];
    private int _connections;

    public ForeignIndex(
        FakeCluster cluster, string host, Func<Heard, Reply> reply, int port = FakeCluster.IndexPort)
    {
        (_world, _reply) = (cluster.World, reply);
        cluster.Network.Host(host).Listen(port, ServeAsync);
    }

    /// <summary>Every line so far.</summary>
    public IReadOnlyList<Heard> Lines
    {
        get
        {
            lock (_lock) return [.. _heard];
        }
    }

    /// <summary>When lines of a verb came.</summary>
    public TimeSpan[] TimesOf(string verb) => [.. Lines.Where(heard => heard.Verb == verb).Select(heard => heard.At)];

    /// <summary>The answers of a version 1 index that keeps its connections open.</summary>
    public static Reply Usual(Heard heard) => heard.Verb switch
    {
        "REGISTER" => new Reply("OK REGISTERED"),
        "ADD_FILE" => new Reply(null),
        "DONE_FILES" => new Reply("OK FILES_ADDED"),
        "SERVER_DOWN" => new Reply("OK SERVER_MARKED_DEAD"),
        "LIST_SERVERS" => new Reply("END"),
        _ => new Reply("ERROR UNKNOWN_COMMAND"),
    };

    private async Task ServeAsync(LineConnection connection, CancellationToken cancellationToken)
    {
        int number = Interlocked.Increment(ref _connections);
        while (await connection.ReadLineAsync(cancellationToken) is { } line)
        {
            Heard heard = new(_world.Now, number, Encoding.UTF8.GetString(line.Span));
            lock (_lock) _heard.Add(heard);
            Reply reply = _reply(heard);
            if (reply.Text is not null)
            {
                await connection.SendAsync(Encoding.UTF8.GetBytes(reply.Text + "\n"), cancellationToken);
            }
            if (reply.ClosesAfter is not { } after) continue;
            if (after > TimeSpan.Zero) await Task.Delay(after, _world.Time, cancellationToken);
            return;
        }
    }
}

/// <summary>One line that a foreign index heard.</summary>
/// <param name="At">When.</param>
/// <param name="Connection">On which connection, counted from 1.</param>
/// <param name="Line">The line.</param>
internal sealed record Heard(TimeSpan At, int Connection, string Line)
{
    public string Verb => Line.Split(' ')[0];
}

/// <summary>What a foreign index does then.</summary>
/// <param name="Text">Its answer, or null for none.</param>
/// <param name="ClosesAfter">How long later it closes the connection, or null when it stays open.</param>
internal sealed record Reply(string? Text, TimeSpan? ClosesAfter = null);
