using System.Buffers;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Tells one index what is to be purged, and hears who has done it.</summary>
/// <param name="host">The index's host.</param>
/// <param name="port">Its line port.</param>
/// <param name="self">Who asks; null for somebody without a key.</param>
/// <param name="dialer">How it is reached.</param>
/// <param name="time">The clock.</param>
public sealed class Purger(string host, int port, Identity? self, IDialer dialer, TimeProvider time)
{
    // An index waits five seconds for its servers, and looks once a second.
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(15);

    private string Index => $"the index at {host}:{port}";

    /// <summary>Tells it one purge.</summary>
    /// <param name="purge">What is to be purged.</param>
    /// <param name="told">Called when it has a number, and for each receipt; null for nobody.</param>
    /// <param name="cancellationToken">Gives up; the index goes on.</param>
    /// <exception cref="CdnException">It was refused, or the index cannot be asked.</exception>
    public async Task<PurgeResult> PurgeAsync(
        Purge purge, Action<PurgeResult>? told, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await using LineConnection connection = await Speaking2.TryDialAsync(dialer, host, port, time, self,
                either.Token).ConfigureAwait(false) ?? throw new CdnException(CdnFailure.Refused,
                    $"{Index} speaks version 1, which has no word for this.");
            ArrayBufferWriter<byte> line = new();
            line.WriteText("PURGE ");
            purge.Write(line);
            line.WriteText("\n");
            await connection.SendAsync(line.WrittenMemory, either.Token).ConfigureAwait(false);
            PurgeResult result = new(0, []);
            while (await connection.ReadLineAsync(either.Token).ConfigureAwait(false) is { } answer)
            {
                string said = Encoding.UTF8.GetString(answer.Span);
                if (said == "END") return result;
                result = With(result, said, purge);
                told?.Invoke(result);
            }
            throw new IOException("it closed the connection");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CdnException(CdnFailure.Unreachable,
                $"{Index} did not answer in {AnswerTime.TotalSeconds} s.");
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw new CdnException(CdnFailure.Unreachable,
                $"{Index} cannot be asked: {exception.Message.TrimEnd('.')}.");
        }
    }

    private PurgeResult With(PurgeResult result, string line, Purge purge)
    {
        switch (line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            case ["PURGED", { } text, ..] when long.TryParse(text, out long number):
                return result with { Number = number };
            case ["RECEIPT", { } id, { } text, ..] when long.TryParse(text, out long milliseconds):
                return result.With(new PurgedServer(id, PurgeAnswer.Purged, milliseconds));
            case ["AWAY", { } id, ..]:
                return result.With(new PurgedServer(id, PurgeAnswer.Away, 0));
            case ["LATE", { } id, ..]:
                return result.With(new PurgedServer(id, PurgeAnswer.Late, 0));
            case ["ERROR", { } word, ..]:
                WireError? error = WireErrors.All.FirstOrDefault(error => error.Word == word);
                string why = error == WireErrors.Unavailable ? "it cannot write it down; its log says why."
                    : error?.Meaning ?? word;
                throw new CdnException(CdnFailure.Refused, $"{Index} refused to purge {purge}: {why}");
            default:
                throw new InvalidDataException($"it said '{line}'");
        }
    }
}

/// <summary>What became of a purge.</summary>
/// <param name="Number">Its number at that index; 0 until it has one.</param>
/// <param name="Servers">What each server did.</param>
public sealed record PurgeResult(long Number, IReadOnlyList<PurgedServer> Servers)
{
    /// <summary>True when a server did not answer in time.</summary>
    public bool IsLate => Servers.Any(server => server.Answer == PurgeAnswer.Late);

    internal PurgeResult With(PurgedServer server) => this with { Servers = [.. Servers, server] };
}

/// <summary>What one server did with a purge.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Answer">What it did.</param>
/// <param name="Milliseconds">How long it took.</param>
public sealed record PurgedServer(string Id, PurgeAnswer Answer, long Milliseconds);

/// <summary>How a server answered a purge.</summary>
public enum PurgeAnswer
{
    /// <summary>It has applied it.</summary>
    Purged,

    /// <summary>It serves nobody now, and applies it before it does.</summary>
    Away,

    /// <summary>It may be serving, and did not answer in time.</summary>
    Late,
}
