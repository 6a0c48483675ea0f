using System.Buffers;
using System.Text;
using MicroCdn.Client;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Verbs;

/// <summary>Tells one index what is to be purged, and hears who has done it.</summary>
internal static class PurgeClient
{
    // An index waits five seconds for its servers, and looks once a second.
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(15);

    /// <summary>Tells it all purges, one after another; the result of each comes back.</summary>
    public static async Task<List<PurgeResult>> TellAsync(
        IndexEndPoint index, Identity? self, List<Purge> purges, CancellationToken token)
    {
        string place = $"{index.Host}:{index.Port}";
        List<PurgeResult> results = [];
        try
        {
            await using LineConnection? connection = await Speaking2.TryDialAsync(
                new TcpDialer(TimeProvider.System), index.Host, index.Port, TimeProvider.System, self, token);
            if (connection is null)
            {
                return Fail(ExitCode.Failed, $"the index at {place} speaks version 1, which has no word for this.");
            }
            foreach (Purge purge in purges)
            {
                using CancellationTokenSource late = new(AnswerTime, TimeProvider.System);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, token);
                results.Add(await TellAsync(connection, place, purge, either.Token));
            }
            return results;
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            return Fail(ExitCode.Unreachable, $"the index at {place} did not answer in {AnswerTime.TotalSeconds} s.");
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return Fail(ExitCode.Unreachable,
                $"the index at {place} cannot be asked: {exception.Message.TrimEnd('.')}.");
        }

        List<PurgeResult> Fail(int code, string trouble) =>
            [.. results, new PurgeResult(place, purges[results.Count]) { Code = code, Trouble = trouble }];
    }

    private static async Task<PurgeResult> TellAsync(
        LineConnection connection, string place, Purge purge, CancellationToken token)
    {
        ArrayBufferWriter<byte> line = new();
        line.WriteText("PURGE ");
        purge.Write(line);
        line.WriteText("\n");
        await connection.SendAsync(line.WrittenMemory, token);
        PurgeResult result = new(place, purge);
        while (true)
        {
            if (await connection.ReadLineAsync(token) is not { } answer)
            {
                throw new IOException("it closed the connection");
            }
            string[] words = Encoding.UTF8.GetString(answer.Span).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            switch (words)
            {
                case ["END", ..]:
                    bool isLate = result.Servers.Exists(server => server.State == PurgeAnswer.Late);
                    return result with { Code = isLate ? ExitCode.Partial : ExitCode.Done };
                case ["PURGED", { } text, ..] when long.TryParse(text, out long number):
                    result = result with { Number = number };
                    break;
                case ["RECEIPT", { } id, { } text, ..] when long.TryParse(text, out long milliseconds):
                    result.Servers.Add(new PurgeReceipt(id, PurgeAnswer.Purged, milliseconds));
                    break;
                case ["AWAY", { } id, ..]:
                    result.Servers.Add(new PurgeReceipt(id, PurgeAnswer.Away, 0));
                    break;
                case ["LATE", { } id, ..]:
                    result.Servers.Add(new PurgeReceipt(id, PurgeAnswer.Late, 0));
                    break;
                case ["ERROR", { } word, ..]:
                    WireError? error = WireErrors.All.FirstOrDefault(error => error.Word == word);
                    string why = error == WireErrors.Unavailable ? "it cannot write it down; its log says why."
                        : error?.Meaning ?? word;
                    return result with
                    {
                        Code = ExitCode.Failed, Trouble = $"the index at {place} refused to purge {purge}: {why}",
                    };
                default:
                    throw new InvalidDataException($"it said '{string.Join(' ', words)}'");
            }
        }
    }
}

/// <summary>What became of one purge at one index.</summary>
/// <param name="Index">The index.</param>
/// <param name="Purge">What was to be purged.</param>
internal sealed record PurgeResult(string Index, Purge Purge)
{
    /// <summary>The purge's number there; 0 when it was refused.</summary>
    public long Number { get; init; }

    /// <summary>The exit code that it stands for.</summary>
    public int Code { get; init; }

    /// <summary>One sentence when it was refused; else null.</summary>
    public string? Trouble { get; init; }

    /// <summary>What the servers did.</summary>
    public List<PurgeReceipt> Servers { get; } = [];
}

/// <summary>What one server did.</summary>
internal readonly record struct PurgeReceipt(string Id, PurgeAnswer State, long Milliseconds);

/// <summary>How a server answered a purge.</summary>
internal enum PurgeAnswer
{
    /// <summary>It has applied it.</summary>
    Purged,

    /// <summary>It serves nobody now, and applies it before it does.</summary>
    Away,

    /// <summary>It may be serving, and did not answer in time.</summary>
    Late,
}
