using System.Security.Cryptography;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Client;

/// <summary>One attempt to fetch a file whole from one server, into a file of its own beside the target.</summary>
/// <remarks>Bytes of two servers are never in one file: without digests nobody can say that both have the
/// same.</remarks>
internal sealed class Attempt(FileName name, string target, Holder holder, Location? location, Surroundings around,
    Action<Attempt> moved, CancellationToken cancellationToken) : IDisposable
{
    private const int BufferBytes = 256 * 1024;

    private readonly CancellationTokenSource _stop =
        CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    private AtomicFile? _file;
    private long _heardAt;
    private volatile bool _isFlowing;

    /// <summary>The server.</summary>
    public Holder Holder => holder;

    /// <summary>Its work; true when the file is whole, and right where that can be told.</summary>
    /// <remarks>It throws what is wrong with our own disk.</remarks>
    public Task<bool> Work { get; private set; } = Task.FromResult(false);

    /// <summary>The file's length as the server tells it.</summary>
    public long Size { get; private set; }

    /// <summary>Bytes that have come.</summary>
    public long Done { get; private set; }

    /// <summary>True when the bytes were verified.</summary>
    public bool IsVerified { get; private set; }

    /// <summary>What went wrong, as it is reported.</summary>
    public string Reason { get; private set; } = "connect";

    /// <summary>What went wrong, for people.</summary>
    public string Failure { get; private set; } = "";

    /// <summary>Begins.</summary>
    public void Start()
    {
        Hear();
        Work = RunAsync();
    }

    /// <summary>When it is silent for so long that another server should be tried beside it.</summary>
    public TimeSpan LateIn => (_isFlowing ? Crew.Hedge : Crew.Stagger)
        - around.Time.GetElapsedTime(Interlocked.Read(ref _heardAt));

    /// <summary>Gives the file its name.</summary>
    /// <exception cref="TargetException">The disk refused.</exception>
    public void Commit() => TargetException.Guard(_file!.Commit);

    /// <summary>Ends it, and leaves nothing of it.</summary>
    public async Task EndAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        // Whatever it has to say comes too late.
        await ((Task)Work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.Dispose();
        _stop.Dispose();
    }

    private void Hear() => Interlocked.Exchange(ref _heardAt, around.Time.GetTimestamp());

    private async Task<bool> RunAsync()
    {
        using CancellationTokenSource stall = new(around.Options.Stall, around.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, _stop.Token);
        try
        {
            await using Body body = await OpenAsync(either.Token).ConfigureAwait(false);
            Reason = "stall";
            Size = body.Size;
            TargetException.Guard(() => _file = AtomicFile.Create(target));
            TargetException.Guard(() => _file!.TakeRoom(body.Size));
            await ReceiveAsync(body, stall, either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            Failure = $"{holder} sent nothing for {around.Options.Stall.TotalSeconds} s";
        }
        catch (WrongBytesException exception)
        {
            (Reason, Failure) = ("wrong", exception.Message);
        }
        catch (MissingFileException exception)
        {
            (Reason, Failure) = ("missing", exception.Message);
        }
        catch (Exception exception) when (exception is InvalidDataException or HttpRequestException
            || exception is IOException and not (DiskFullException or TargetException))
        {
            Failure = exception.Message;
        }
        return false;
    }

    private async Task<Body> OpenAsync(CancellationToken late)
    {
        long expected = location?.Size ?? -1;
        Body body;
        if (holder.Url is { } url)
        {
            body = await around.Http.OpenWholeAsync(url, holder.ToString(), late).ConfigureAwait(false);
        }
        else
        {
            LineConnection connection =
                await around.Dialer.DialAsync(holder.Host, holder.Port, late).ConfigureAwait(false);
            body = new Body(await RequestAsync(connection, late).ConfigureAwait(false), connection.ReadAsync,
                connection);
        }
        // Another size than the index tells is another file, or one that is being changed.
        if (expected < 0 || expected == body.Size) return body;
        await body.DisposeAsync().ConfigureAwait(false);
        throw new IOException($"{holder.Id} offers {body.Size} bytes where the index says {expected}");
    }

    private async Task<long> RequestAsync(LineConnection connection, CancellationToken late)
    {
        try
        {
            return await FileRequest.SendAsync(connection, name, holder.ToString(), late).ConfigureAwait(false)
                ?? throw new MissingFileException($"{holder} has no such file");
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task ReceiveAsync(Body body, CancellationTokenSource stall, CancellationToken late)
    {
        FileDigest expected = location?.Digest ?? FileDigest.None;
        using IncrementalHash? hash =
            expected.IsNone ? null : IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[(int)Math.Clamp(body.Size, 1, BufferBytes)];
        Hear();
        _isFlowing = true;
        moved(this);
        while (Done < body.Size)
        {
            int most = (int)Math.Min(buffer.Length, body.Size - Done);
            int read = await body.Read(buffer.AsMemory(0, most), late).ConfigureAwait(false);
            if (read == 0) throw new IOException($"{holder.Id} ended after {Done} of {body.Size} bytes");
            TargetException.Guard(() => _file!.Write(buffer.AsSpan(0, read)));
            hash?.AppendData(buffer, 0, read);
            Done += read;
            Hear();
            stall.CancelAfter(around.Options.Stall);
            moved(this);
        }
        if (hash is null) return;
        if (new FileDigest(hash.GetHashAndReset()) != expected)
        {
            throw new WrongBytesException($"{holder.Id} sent wrong bytes");
        }
        IsVerified = true;
    }
}

/// <summary>A whole file on its way from a server.</summary>
/// <param name="Size">Its length in bytes.</param>
/// <param name="Read">Reads what has come; 0 when the server ended.</param>
/// <param name="Connection">What it comes on.</param>
internal sealed record Body(long Size, Func<Memory<byte>, CancellationToken, ValueTask<int>> Read,
    IAsyncDisposable Connection) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Connection.DisposeAsync();
}
