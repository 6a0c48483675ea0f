using System.Buffers;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Has files published, and taken back.</summary>
/// <remarks>A put is hashed first. The index says which servers it belongs on; the bytes go to the first of them that
/// takes them, once, and from where an earlier try broke off. The index has the others fetch them, and answers when
/// as many copies as asked are durable and everybody is sent to them.</remarks>
/// <param name="options">Where the indexes are.</param>
/// <param name="self">Who publishes, where keys are required.</param>
/// <param name="dialer">How they are reached.</param>
/// <param name="time">The clock.</param>
public sealed class Publisher(ClientOptions options, Identity? self, IDialer dialer, TimeProvider time)
{
    private const int PieceBytes = 256 * 1024;

    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(15);

    // A piece of an upload, and each word while copies are made: a slow disk syncs for long.
    private static readonly TimeSpan StallTime = TimeSpan.FromMinutes(2);

    // A server fetches and verifies whole files before it says a word.
    private const long LeastBytesASecond = 1 << 20;

    /// <summary>Publishes a file.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="bytes">Its bytes; read from the start, twice, so it must be one that can seek.</param>
    /// <param name="put">How.</param>
    /// <param name="progress">Told what was brought.</param>
    /// <param name="cancellationToken">Gives up. Nothing of it is visible then.</param>
    /// <exception cref="CdnException">It could not be published; nothing of it is visible, unless the message says that
    /// it may be.</exception>
    /// <exception cref="IOException">The bytes cannot be read.</exception>
    public async Task<Publication> PutAsync(FileName name, Stream bytes, PutOptions put,
        IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        (long size, FileDigest digest, FileDigest root) = await HashAsync(bytes, cancellationToken)
            .ConfigureAwait(false);
        string words = Words(name, size, digest, root, put);
        await using LineConnection index = await DialIndexAsync(cancellationToken).ConfigureAwait(false);
        List<Route> places = [];
        await foreach (string line in AskAsync(index, $"PLACE {words}", AnswerTime, cancellationToken))
        {
            if (Route.TryParse(Encoding.UTF8.GetBytes(line), out Route? place)) places.Add(place!);
        }
        Upload upload = new(bytes, size, digest, root, progress);
        string first = await BringAsync(upload, places, cancellationToken).ConfigureAwait(false);
        List<string> servers = [];
        long revision = 0;
        TimeSpan patience = StallTime + TimeSpan.FromSeconds(size / LeastBytesASecond);
        await foreach (string line in AskAsync(index, $"PUBLISH {words} at={first}", patience, cancellationToken))
        {
            if (line.StartsWith("COPY ", StringComparison.Ordinal)) servers.Add(line[5..]);
            else if (line.StartsWith("PUBLISHED ", StringComparison.Ordinal))
            {
                _ = long.TryParse(line[10..], out revision);
            }
        }
        return new Publication(revision, servers, size, digest);
    }

    /// <summary>Has a name published no more.</summary>
    /// <returns>The revision of its removal.</returns>
    /// <exception cref="CdnException">It could not be removed.</exception>
    public async Task<long> RemoveAsync(FileName name, CancellationToken cancellationToken)
    {
        await using LineConnection index = await DialIndexAsync(cancellationToken).ConfigureAwait(false);
        long revision = 0;
        await foreach (string line in AskAsync(index, $"REMOVE {Encoded(name)}", AnswerTime, cancellationToken))
        {
            if (line.StartsWith("REMOVED ", StringComparison.Ordinal)) _ = long.TryParse(line[8..], out revision);
        }
        return revision;
    }

    /// <summary>Says one line that an operator may say, and hears the lines of its answer, without END.</summary>
    /// <exception cref="CdnException">It was refused, or the index cannot be reached.</exception>
    public async Task<IReadOnlyList<string>> OrderAsync(string line, CancellationToken cancellationToken)
    {
        await using LineConnection index = await DialIndexAsync(cancellationToken).ConfigureAwait(false);
        List<string> lines = [];
        await foreach (string told in AskAsync(index, line, AnswerTime, cancellationToken)) lines.Add(told);
        return lines;
    }

    private static async Task<(long Size, FileDigest Digest, FileDigest Root)> HashAsync(
        Stream bytes, CancellationToken cancellationToken)
    {
        long size = bytes.Length;
        bytes.Position = 0;
        using FileHashing hashing = new(size);
        byte[] chunk = new byte[(int)Math.Clamp(size, 1, Chunks.Bytes)];
        while (hashing.Done < size)
        {
            Memory<byte> next = chunk.AsMemory(0, Chunks.LengthOf(size, hashing.Done / Chunks.Bytes));
            await bytes.ReadExactlyAsync(next, cancellationToken).ConfigureAwait(false);
            hashing.Add(next.Span, null);
        }
        (FileDigest digest, FileDigest root) = hashing.End();
        return (size, digest, root);
    }

    private Task<LineConnection> DialIndexAsync(CancellationToken cancellationToken) =>
        new WriterSearch(options, self, dialer, time).DialAsync(cancellationToken);

    // Lines up to END; an ERROR is thrown.
    private async IAsyncEnumerable<string> AskAsync(LineConnection connection, string question, TimeSpan patience,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? next = await SayAsync(connection, question, patience, cancellationToken).ConfigureAwait(false);
        while (next != "END")
        {
            if (next is null) throw new CdnException(CdnFailure.Unreachable, "the index closed the connection.");
            if (next == "ERROR UNAVAILABLE" || next.StartsWith("WRITER ", StringComparison.Ordinal))
            {
                throw new CdnException(CdnFailure.Unreachable, "the index could not write what is published: its disk "
                    + "or its Redis is away, or another index became the writer; its log says which. Try again.");
            }
            if (next.StartsWith("ERROR ", StringComparison.Ordinal)) throw Refusal("the index", next);
            yield return next;
            next = await SayAsync(connection, null, patience, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string?> SayAsync(
        LineConnection connection, string? line, TimeSpan patience, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            if (line is not null)
            {
                await connection.SendAsync(Encoding.UTF8.GetBytes($"{line}\n"), either.Token).ConfigureAwait(false);
            }
            ReadOnlyMemory<byte>? answer = await connection.ReadLineAsync(either.Token).ConfigureAwait(false);
            return answer is { } said ? Encoding.UTF8.GetString(said.Span) : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CdnException(CdnFailure.Unreachable, $"no answer for {patience.TotalSeconds:0} s; it may be "
                + "carried out all the same, and the same command finds out.");
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw new CdnException(CdnFailure.Unreachable, $"the connection failed: {exception.Message.TrimEnd('.')}.");
        }
    }

    // To the first that takes them.
    private async Task<string> BringAsync(Upload upload, List<Route> places, CancellationToken cancellationToken)
    {
        CdnException? why = null;
        foreach (Route place in places)
        {
            try
            {
                await BringAsync(upload, place, cancellationToken).ConfigureAwait(false);
                return place.Id.Value;
            }
            catch (CdnException exception)
            {
                why = exception;
            }
        }
        throw why ?? new CdnException(CdnFailure.NoRoom, "no server takes the bytes.");
    }

    private async Task BringAsync(Upload upload, Route place, CancellationToken cancellationToken)
    {
        string who = $"{place.Id} at {place.Host}:{place.Port}";
        try
        {
            await using LineConnection connection = await Speaking2.TryDialAsync(
                dialer, place.Host, place.Port, time, self, cancellationToken).ConfigureAwait(false)
                ?? throw new CdnException(CdnFailure.Refused, $"{who} speaks version 1, which has no word for this.");
            string roots = Chunks.FollowFromDigest(upload.Size) ? "" : $" chunks={upload.Root}";
            string? answer = await SayAsync(connection,
                $"STORE {upload.Size} sha256={upload.Digest}{roots} put={upload.Digest.ToString()[..16]}", AnswerTime,
                cancellationToken).ConfigureAwait(false);
            if (answer?.StartsWith("SEND ", StringComparison.Ordinal) == true
                && long.TryParse(answer.AsSpan(5), out long offset))
            {
                await SendAsync(upload, offset, connection, who, cancellationToken).ConfigureAwait(false);
                TimeSpan patience = StallTime + TimeSpan.FromSeconds(upload.Size / LeastBytesASecond);
                answer = await SayAsync(connection, null, patience, cancellationToken).ConfigureAwait(false);
            }
            if (answer == "OK STORED") return;
            throw answer is null ? new CdnException(CdnFailure.Unreachable, $"{who} closed the connection.")
                : Refusal(who, answer);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw new CdnException(CdnFailure.Unreachable, $"{who} failed: {exception.Message.TrimEnd('.')}.");
        }
    }

    private async Task SendAsync(
        Upload upload, long offset, LineConnection connection, string who, CancellationToken cancellationToken)
    {
        byte[] piece = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(upload.Size, 1, PieceBytes));
        try
        {
            upload.Bytes.Position = offset;
            while (offset < upload.Size)
            {
                using CancellationTokenSource late = new(StallTime, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
                Memory<byte> next = piece.AsMemory(0, (int)Math.Min(PieceBytes, upload.Size - offset));
                await upload.Bytes.ReadExactlyAsync(next, either.Token).ConfigureAwait(false);
                await connection.SendAsync(next, either.Token).ConfigureAwait(false);
                offset += next.Length;
                upload.Progress?.Report(new DownloadProgress(offset, upload.Size, who));
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"it takes no bytes for {StallTime.TotalSeconds} s");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private static CdnException Refusal(string who, string answer)
    {
        WireError? error = WireErrors.All.FirstOrDefault(error => answer == $"ERROR {error.Word}");
        CdnFailure failure = error == WireErrors.FileNotFound || error == WireErrors.UnknownToken
            ? CdnFailure.NotFound
            : error == WireErrors.NoRoom || error == WireErrors.DiskFull ? CdnFailure.NoRoom : CdnFailure.Refused;
        return new CdnException(failure, $"{who} refused: {error?.Meaning ?? answer}");
    }

    private static string Words(FileName name, long size, FileDigest digest, FileDigest root, PutOptions put) =>
        $"{Encoded(name)} {size} sha256={digest}{(Chunks.FollowFromDigest(size) ? "" : $" chunks={root}")}"
        + $"{(put.UnixSeconds >= 0 ? $" time={put.UnixSeconds}" : "")}"
        + $"{(put.Replicas > 0 ? $" replicas={put.Replicas}" : "")}{(put.IsNew ? " new=1" : "")}";

    private static string Encoded(FileName name)
    {
        ArrayBufferWriter<byte> word = new();
        PercentText.Encode(Encoding.UTF8.GetBytes(name.Value), word);
        return Encoding.UTF8.GetString(word.WrittenSpan);
    }

    private sealed record Upload(
        Stream Bytes, long Size, FileDigest Digest, FileDigest Root, IProgress<DownloadProgress>? Progress);
}

/// <summary>How a file is published.</summary>
public sealed record PutOptions
{
    /// <summary>How many copies there are to be, 1 to <see cref="Limits.Replicas"/>; 0 when the policy of the name's
    /// prefix says.</summary>
    public int Replicas { get; init; }

    /// <summary>Refuse when something is published under the name.</summary>
    public bool IsNew { get; init; }

    /// <summary>Last change of the bytes in seconds since 1970; -1 for now.</summary>
    public long UnixSeconds { get; init; } = -1;
}

/// <summary>What was published.</summary>
/// <param name="Revision">The number of the change; later ones are greater.</param>
/// <param name="Servers">The ids of the servers that have copies.</param>
/// <param name="Size">How many bytes.</param>
/// <param name="Digest">Their SHA-256.</param>
public sealed record Publication(long Revision, IReadOnlyList<string> Servers, long Size, FileDigest Digest);
