using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Tells one monitor to take a content server out of rotation, or to let it come back.</summary>
/// <param name="host">The monitor's host.</param>
/// <param name="port">Its line port.</param>
/// <param name="self">Who asks; null for somebody without a key.</param>
/// <param name="dialer">How it is reached.</param>
/// <param name="time">The clock.</param>
public sealed class MonitorClient(string host, int port, Identity? self, IDialer dialer, TimeProvider time)
{
    // As long as any role may take for an answer.
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);

    private string Monitor => $"the monitor at {host}:{port}";

    /// <summary>Nobody is sent to a server until it is resumed.</summary>
    /// <exception cref="CdnException">It was refused, or the monitor cannot be asked.</exception>
    public Task DrainAsync(ServerId server, CancellationToken cancellationToken) =>
        TellAsync($"DRAIN {server}", "OK DRAINING", server, cancellationToken);

    /// <summary>It comes back into rotation.</summary>
    /// <exception cref="CdnException">It was refused, or the monitor cannot be asked.</exception>
    public Task ResumeAsync(ServerId server, CancellationToken cancellationToken) =>
        TellAsync($"RESUME {server}", "OK RESUMED", server, cancellationToken);

    private async Task TellAsync(string line, string expected, ServerId server, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await using LineConnection connection = await Speaking2.TryDialAsync(dialer, host, port, time, self,
                either.Token).ConfigureAwait(false) ?? throw new CdnException(CdnFailure.Refused,
                    $"{Monitor} speaks version 1, which has no word for this.");
            await connection.SendAsync(Encoding.UTF8.GetBytes(line + "\n"), either.Token).ConfigureAwait(false);
            string answer = await connection.ReadLineAsync(either.Token).ConfigureAwait(false) is { } said
                ? Encoding.UTF8.GetString(said.Span)
                : throw new CdnException(CdnFailure.Unreachable, $"{Monitor} closed the connection.");
            if (answer != expected) throw Refusal(answer, line, server);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CdnException(CdnFailure.Unreachable,
                $"{Monitor} did not answer in {AnswerTime.TotalSeconds} s.");
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw new CdnException(CdnFailure.Unreachable,
                $"the monitor cannot be asked: {exception.Message.TrimEnd('.')}.");
        }
    }

    private CdnException Refusal(string answer, string line, ServerId server)
    {
        WireError? error = WireErrors.All.FirstOrDefault(error => answer == $"ERROR {error.Word}");
        return error == WireErrors.UnknownServer
            ? new CdnException(CdnFailure.NotFound, $"{Monitor} knows no server '{server}'.")
            : new CdnException(CdnFailure.Refused, $"{Monitor} refused '{line}': {error?.Meaning ?? answer}");
    }
}
