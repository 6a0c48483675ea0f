using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>The conversations of somebody who publishes: with the index, and with the servers that take the
/// bytes.</summary>
/// <remarks>A connection is kept for the next file. One that was kept may have been closed meanwhile: what nobody
/// answered on it is said once more on a new one.</remarks>
internal sealed class PublishTalk(ClientOptions options, Identity? self, IDialer dialer, TimeProvider time)
    : IAsyncDisposable
{
    /// <summary>How long a word is waited for that needs no work.</summary>
    public static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(15);

    // A piece of an upload, and each word while copies are made: a slow disk syncs for long.
    private static readonly TimeSpan StallTime = TimeSpan.FromMinutes(2);

    // A server fetches and verifies whole files before it says a word.
    private const long LeastBytesASecond = 1 << 20;

    // More than a month is more than a timer takes.
    private const long MostSeconds = 30 * 24 * 3600;

    private const int PieceBytes = 256 * 1024;

    private readonly ConcurrentDictionary<string, ConcurrentBag<Line>> _idle = [];

    /// <summary>How long a word is waited for while copies of a file are made.</summary>
    public static TimeSpan PatienceFor(long size) =>
        StallTime + TimeSpan.FromSeconds(Math.Min(size / LeastBytesASecond, MostSeconds));

    /// <summary>Asks the index.</summary>
    /// <param name="question">One line, without its end.</param>
    /// <param name="patience">How long each line of the answer is waited for.</param>
    /// <param name="take">Called for each line before END.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CdnException">It refused, or cannot be asked.</exception>
    public Task AskIndexAsync(
        string question, TimeSpan patience, Action<string> take, CancellationToken cancellationToken) =>
        WithAsync("", DialIndexAsync, async line =>
        {
            string? next = await SayAsync(line, question, patience, cancellationToken).ConfigureAwait(false);
            while (next != "END")
            {
                if (next is null)
                {
                    throw new CdnException(CdnFailure.Unreachable, "the index closed the connection; it may be "
                        + "carried out all the same: 'microcdn stat' and 'microcdn releases' tell.");
                }
                // One that lost its place since the connection was kept: nothing is done, and the writer is elsewhere.
                if (next.StartsWith("WRITER ", StringComparison.Ordinal)) line.IsAnswered = false;
                if (next == "ERROR UNAVAILABLE" || next.StartsWith("WRITER ", StringComparison.Ordinal))
                {
                    throw new CdnException(CdnFailure.Unreachable, "the index could not write what is published: its "
                        + "disk or its Redis is away, or another index became the writer; its log says which. Try "
                        + "again.") { ConcernsAll = true };
                }
                if (next.StartsWith("ERROR ", StringComparison.Ordinal))
                {
                    line.IsWell = true;
                    throw Refusal("the index", next, isIndex: true);
                }
                take(next);
                next = await SayAsync(line, null, patience, cancellationToken).ConfigureAwait(false);
            }
            line.IsWell = true;
        }, cancellationToken);

    /// <summary>Brings bytes to the first server that takes them, from where an earlier try broke off.</summary>
    /// <returns>The server's id.</returns>
    public async Task<string> BringAsync(Upload upload, List<Route> places, CancellationToken cancellationToken)
    {
        CdnException? why = null;
        foreach (Route place in places)
        {
            string who = $"{place.Id} at {place.Host}:{place.Port}";
            try
            {
                await WithAsync($"{place.Host}:{place.Port}", token => DialAsync(place, who, token),
                    line => BringAsync(upload, line, who, cancellationToken), cancellationToken)
                    .ConfigureAwait(false);
                return place.Id.Value;
            }
            catch (CdnException exception)
            {
                why = exception;
            }
        }
        throw why ?? new CdnException(CdnFailure.NoRoom, "no server takes the bytes.");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (ConcurrentBag<Line> bag in _idle.Values)
        {
            while (bag.TryTake(out Line? line)) await line.Connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task WithAsync(string peer, Func<CancellationToken, Task<LineConnection>> dial,
        Func<Line, Task> talk, CancellationToken cancellationToken)
    {
        ConcurrentBag<Line> idle = _idle.GetOrAdd(peer, _ => []);
        while (true)
        {
            bool isKept = idle.TryTake(out Line? line);
            line ??= new Line(await dial(cancellationToken).ConfigureAwait(false));
            (line.IsWell, line.IsAnswered) = (false, false);
            try
            {
                await talk(line).ConfigureAwait(false);
                return;
            }
            catch (CdnException exception)
                when (isKept && !line.IsAnswered && exception.Failure == CdnFailure.Unreachable)
            {
                // It was closed while nobody used it.
            }
            finally
            {
                if (line.IsWell) idle.Add(line);
                else await line.Connection.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private Task<LineConnection> DialIndexAsync(CancellationToken cancellationToken) =>
        new WriterSearch(options, self, dialer, time).DialAsync(cancellationToken);

    private async Task<LineConnection> DialAsync(Route place, string who, CancellationToken cancellationToken)
    {
        try
        {
            return await Speaking2.TryDialAsync(dialer, place.Host, place.Port, time, self, cancellationToken)
                .ConfigureAwait(false)
                ?? throw new CdnException(CdnFailure.Refused, $"{who} speaks version 1, which has no word for this.");
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw new CdnException(CdnFailure.Unreachable, $"{who} failed: {exception.Message.TrimEnd('.')}.");
        }
    }

    private async Task BringAsync(Upload upload, Line line, string who, CancellationToken cancellationToken)
    {
        string roots = Chunks.FollowFromDigest(upload.Size) ? "" : $" chunks={upload.Root}";
        string? answer = await SayAsync(line,
            $"STORE {upload.Size} sha256={upload.Digest}{roots} put={upload.Digest.ToString()[..16]}", AnswerTime,
            cancellationToken).ConfigureAwait(false);
        bool isSent = false;
        if (answer?.StartsWith("SEND ", StringComparison.Ordinal) == true
            && long.TryParse(answer.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out long offset))
        {
            if (offset > upload.Size)
            {
                throw new CdnException(
                    CdnFailure.Unreachable, $"{who} wants bytes from {offset} on, of {upload.Size}.");
            }
            isSent = true;
            await SendAsync(upload, offset, line.Connection, who, cancellationToken).ConfigureAwait(false);
            answer = await SayAsync(line, null, PatienceFor(upload.Size), cancellationToken).ConfigureAwait(false);
        }
        // What a server refuses in the middle of an upload ends the connection.
        line.IsWell = answer is "OK STORED" || (answer is not null && !isSent);
        if (answer is "OK STORED") return;
        throw answer is null ? new CdnException(CdnFailure.Unreachable, $"{who} closed the connection.")
            : Refusal(who, answer);
    }

    private async Task SendAsync(
        Upload upload, long offset, LineConnection connection, string who, CancellationToken cancellationToken)
    {
        byte[] piece = ArrayPool<byte>.Shared.Rent((int)Math.Min(PieceBytes, upload.Size - offset));
        try
        {
            upload.Bytes.Position = offset;
            while (offset < upload.Size)
            {
                using CancellationTokenSource late = new(StallTime, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
                Memory<byte> next = piece.AsMemory(0, (int)Math.Min(piece.Length, upload.Size - offset));
                await upload.Bytes.ReadExactlyAsync(next, either.Token).ConfigureAwait(false);
                try
                {
                    await connection.SendAsync(next, either.Token).ConfigureAwait(false);
                }
                catch (IOException exception)
                {
                    throw new CdnException(CdnFailure.Unreachable, $"{who} failed: {exception.Message.TrimEnd('.')}.");
                }
                offset += next.Length;
                upload.Progress?.Report(new DownloadProgress(offset, upload.Size, who));
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CdnException(
                CdnFailure.Unreachable, $"{who} failed: it takes no bytes for {StallTime.TotalSeconds} s.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private async Task<string?> SayAsync(
        Line line, string? word, TimeSpan patience, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            if (word is not null)
            {
                await line.Connection.SendAsync(Encoding.UTF8.GetBytes($"{word}\n"), either.Token)
                    .ConfigureAwait(false);
            }
            ReadOnlyMemory<byte>? answer = await line.Connection.ReadLineAsync(either.Token).ConfigureAwait(false);
            line.IsAnswered |= answer is not null;
            return answer is { } said ? Encoding.UTF8.GetString(said.Span) : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            line.IsAnswered = true;
            throw new CdnException(CdnFailure.Unreachable, $"no answer for {patience.TotalSeconds:0} s; it may be "
                + "carried out all the same, and the same command finds out.");
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw new CdnException(CdnFailure.Unreachable, $"the connection failed: {exception.Message.TrimEnd('.')}.");
        }
    }

    private static CdnException Refusal(string who, string answer, bool isIndex = false)
    {
        WireError? error = WireErrors.All.FirstOrDefault(error => answer == $"ERROR {error.Word}");
        bool isNotFound = error == WireErrors.FileNotFound || error == WireErrors.UnknownRelease
            || error == WireErrors.UnknownToken || error == WireErrors.UnknownServer
            || error == WireErrors.UnknownPolicy;
        CdnFailure failure = isNotFound ? CdnFailure.NotFound : error == WireErrors.Changed ? CdnFailure.Changed
            : error == WireErrors.NoRoom || error == WireErrors.DiskFull ? CdnFailure.NoRoom : CdnFailure.Refused;
        bool concernsAll = isIndex && (error == WireErrors.ReleaseFull || error == WireErrors.ReleaseActive
            || error == WireErrors.NotTrusted || error == WireErrors.NotAuthenticated);
        return new CdnException(failure, $"{who} refused: {error?.Meaning ?? answer}") { ConcernsAll = concernsAll };
    }

    // One connection, and whether its conversation is at an end, so that another can begin.
    private sealed class Line(LineConnection connection)
    {
        public LineConnection Connection => connection;

        public bool IsWell { get; set; }

        public bool IsAnswered { get; set; }
    }
}

/// <summary>Bytes on their way to a server.</summary>
internal sealed record Upload(
    Stream Bytes, long Size, FileDigest Digest, FileDigest Root, IProgress<DownloadProgress>? Progress)
{
    /// <summary>Reads all bytes from the start.</summary>
    public static async Task<Upload> HashAsync(
        Stream bytes, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        long size = bytes.Length;
        bytes.Position = 0;
        using FileHashing hashing = new(size);
        byte[] chunk = ArrayPool<byte>.Shared.Rent((int)Math.Min(Chunks.Bytes, Math.Max(1, size)));
        try
        {
            while (hashing.Done < size)
            {
                Memory<byte> next = chunk.AsMemory(0, Chunks.LengthOf(size, hashing.Done / Chunks.Bytes));
                await bytes.ReadExactlyAsync(next, cancellationToken).ConfigureAwait(false);
                hashing.Add(next.Span, null);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
        (FileDigest digest, FileDigest root) = hashing.End();
        return new Upload(bytes, size, digest, root, progress);
    }
}
