using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Finds the one index that publishes, among several that know one another.</summary>
/// <remarks>Any index is asked; who is no writer says who is. When the writer is gone another one takes its place
/// within seconds, so it is looked for again for a while.</remarks>
internal sealed class WriterSearch(ClientOptions options, Identity? self, IDialer dialer, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500), AnswerTime = TimeSpan.FromSeconds(15);

    private string _why = "no index is named";
    private bool _mayPass;

    /// <summary>A connection to the writer, on which nothing is under way.</summary>
    /// <exception cref="CdnException">There is none, or it cannot be reached.</exception>
    public async Task<LineConnection> DialAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<IndexEndPoint> indexes = options.Indexes.Count > 0 ? options.Indexes
            : [new IndexEndPoint(options.IndexHost, options.IndexPort)];
        for (long began = time.GetTimestamp(); ;)
        {
            _mayPass = false;
            if (await AskAllAsync(indexes, cancellationToken).ConfigureAwait(false) is { } found) return found;
            if (!_mayPass || time.GetElapsedTime(began) > options.Patience)
            {
                throw new CdnException(CdnFailure.Unreachable, _why) { ConcernsAll = true };
            }
            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    // One that cannot tell whether it still is the writer can be asked what is published, and waits for its Redis with
    // what is to be.
    private async Task<LineConnection?> AskAllAsync(
        IReadOnlyList<IndexEndPoint> indexes, CancellationToken cancellationToken)
    {
        List<LineConnection> doubtful = [];
        LineConnection? chosen = null;
        try
        {
            foreach (IndexEndPoint index in indexes)
            {
                Candidate found = await TryAsync(index, cancellationToken).ConfigureAwait(false);
                // Whom the first names may be one that lost its place, and is asked no further.
                if (found.Other is { } other) found = await TryAsync(other, cancellationToken).ConfigureAwait(false);
                if (found is { Connection: { } unsure, IsDoubtful: true }) doubtful.Add(unsure);
                else if (found.Connection is { } sure) return chosen = sure;
            }
            return chosen = doubtful.FirstOrDefault();
        }
        finally
        {
            foreach (LineConnection left in doubtful.Where(left => left != chosen))
            {
                await left.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task<Candidate> TryAsync(IndexEndPoint index, CancellationToken cancellationToken)
    {
        LineConnection? connection = null;
        try
        {
            connection = await Speaking2.TryDialAsync(
                dialer, index.Host, index.Port, time, self, cancellationToken).ConfigureAwait(false);
            if (connection is null)
            {
                _why = $"the index at {index.Host}:{index.Port} speaks version 1, which has no word for this.";
                return default;
            }
            string answer = await AskAsync(connection, "WRITER\n", cancellationToken).ConfigureAwait(false);
            string[] words = answer.Split(' ');
            if (words is ["WRITER", { } host, { } port] && int.TryParse(port, out int number))
            {
                _mayPass = true;
                _why = $"the writer is said to be at {host}:{port}, which is not so (any more); try again.";
                await connection.DisposeAsync().ConfigureAwait(false);
                return new Candidate(null, false, new IndexEndPoint(host, number));
            }
            if (words is ["BEHIND", ..])
            {
                await AskAsync(connection, "", cancellationToken).ConfigureAwait(false);
                return new Candidate(connection, IsDoubtful: true, null);
            }
            if (answer != "ERROR UNAVAILABLE") return new Candidate(connection, IsDoubtful: false, null);
            _mayPass = true;
            _why = $"the index at {index.Host}:{index.Port} knows no index that may write now: its Redis is away, or "
                + "the writer has just gone; its log says more.";
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            _why = $"the index at {index.Host}:{index.Port} cannot be asked: {exception.Message.TrimEnd('.')}.";
        }
        if (connection is not null) await connection.DisposeAsync().ConfigureAwait(false);
        return default;
    }

    private async Task<string> AskAsync(LineConnection connection, string said, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            if (said.Length > 0)
            {
                await connection.SendAsync(Encoding.UTF8.GetBytes(said), either.Token).ConfigureAwait(false);
            }
            return await connection.ReadLineAsync(either.Token).ConfigureAwait(false) is { } line
                ? Encoding.UTF8.GetString(line.Span) : throw new IOException("it closed the connection");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"it did not answer within {AnswerTime.TotalSeconds} s");
        }
    }

    // A connection to the writer, or to one that cannot tell whether it still is; or where the writer is.
    private readonly record struct Candidate(LineConnection? Connection, bool IsDoubtful, IndexEndPoint? Other);
}
