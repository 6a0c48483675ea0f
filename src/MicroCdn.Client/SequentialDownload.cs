using System.Security.Cryptography;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Client;

/// <summary>One download of a file whose chunks cannot be verified: from its first byte to its last, over as many
/// servers as it takes.</summary>
/// <remarks>
/// <para>1. Fetch from the server that the index names, counting bytes. 2. When that server refuses,
/// stalls or dies, remember it and ask again, every half second: the index learns of a death some seconds later. 3.
/// While an index of version 1 still names a failed server, ask it for all its servers and try the others. 4. Start
/// over at byte 0: without digests nobody can say that two servers have the same file.</para>
/// <para>A failed server is tried again only when the index names no other and it has had <see cref="SecondChance"/> to
/// come back: a fleet of one that restarts must not fail a download that could wait three seconds. A second chance that
/// fails does not renew the patience; more bytes than ever do, and so does the first failure of one more server.</para>
/// <para>Where the index told the file's SHA-256 it is computed on the way; a server whose bytes do not match it is not
/// asked again.</para>
/// </remarks>
internal sealed class SequentialDownload(FileName name, string target, Surroundings around, DownloadOptions how)
    : IDisposable
{
    private const int MostAttempts = 16;
    private const int BufferBytes = 256 * 1024;
    private static readonly TimeSpan SecondChance = TimeSpan.FromSeconds(3);

    private readonly ClientOptions _options = around.Options;
    private readonly TimeProvider _time = around.Time;
    private readonly Dictionary<string, (Holder Holder, long At)> _failed = [];
    private readonly HashSet<string> _wrong = [];
    private string _lastFailure = "";
    private long _newsAt;
    private long _most;
    private AtomicFile? _file;
    private Location? _location;

    /// <summary>Downloads from the servers of a location, and of those that the index tells later.</summary>
    /// <exception cref="CdnException">No server could deliver.</exception>
    public async Task<DownloadResult> RunAsync(Location first, CancellationToken cancellationToken)
    {
        _location = first;
        Holder? holder = first.Holders.Count > 0 ? first.Holders[0] : null;
        for (int attempts = 0; attempts < MostAttempts;)
        {
            if (holder is not null)
            {
                attempts++;
                if (await FetchAsync(holder, cancellationToken).ConfigureAwait(false) is { } result) return result;
            }
            else if (_time.GetElapsedTime(_newsAt) >= _options.Patience) break;
            else await Task.Delay(_options.AskAgain, _time, cancellationToken).ConfigureAwait(false);
            holder = await NextAsync(cancellationToken).ConfigureAwait(false);
            if (holder is null && IsHopeless()) break;
        }
        throw _wrong.Count > 0
            ? new CdnException(CdnFailure.WrongBytes, $"no server has the right bytes of '{name}': {_lastFailure}")
            : new CdnException(CdnFailure.Unreachable, $"no server could deliver '{name}': {_lastFailure}");
    }

    /// <summary>Downloads from one server, without an index.</summary>
    /// <exception cref="CdnException">The server could not deliver.</exception>
    public async Task<DownloadResult> RunFromAsync(string host, int port, CancellationToken cancellationToken)
    {
        try
        {
            return await FetchAsync(new Holder($"{host}:{port}", host, port), cancellationToken).ConfigureAwait(false)
                ?? throw new CdnException(CdnFailure.Unreachable, $"'{name}' could not be delivered: {_lastFailure}");
        }
        catch (MissingFileException)
        {
            throw new CdnException(CdnFailure.NotFound, $"{host}:{port} has no file '{name}'");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    // Another server after a failure; null when there is none yet.
    private async Task<Holder?> NextAsync(CancellationToken cancellationToken)
    {
        try
        {
            string[] not = [.. _failed.Values.Select(failed => failed.Holder.Id)];
            Location? location = await around.Finder.FindAsync(name, not, cancellationToken).ConfigureAwait(false);
            if (location is not { Holders: [Holder named, ..] }) return null;
            if (_location is { } before && !before.IsSameFile(location))
            {
                how.Notice?.Invoke($"'{name}' has changed on the servers: starting over");
            }
            _location = location;
            if (location.Holders.FirstOrDefault(one => !_failed.ContainsKey(one.Key)) is { } fresh) return fresh;
            if (!location.IsWholeList)
            {
                foreach (ServerRow row in await around.Finder.ListServersAsync(cancellationToken).ConfigureAwait(false))
                {
                    Holder other = new(row.Id.Value, row.Host, row.Port);
                    if (row.Alive && !_failed.ContainsKey(other.Key)) return other;
                }
            }
            named = location.Holders.FirstOrDefault(one => !_wrong.Contains(one.Key), named);
            return !_wrong.Contains(named.Key)
                && _time.GetElapsedTime(_failed[named.Key].At) >= SecondChance ? named : null;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            _lastFailure = exception.Message;
            return null;
        }
    }

    private bool IsHopeless() => _wrong.Count > 0 && _location!.Holders.All(holder => _wrong.Contains(holder.Key));

    // Null when the server could not deliver; it is remembered as failed, and why.
    private async Task<DownloadResult?> FetchAsync(Holder holder, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stall = new(_options.Stall, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, cancellationToken);
        string reason = "connect";
        try
        {
            await using Body body = await OpenAsync(holder, either.Token).ConfigureAwait(false);
            reason = "stall";
            if (_file is null) _file = OpenTarget();
            else TargetException.Guard(_file.Restart);
            TargetException.Guard(() => _file.TakeRoom(body.Size));
            bool verified = await ReceiveAsync(body, holder.Id, stall, either.Token).ConfigureAwait(false);
            TargetException.Guard(_file.Commit);
            return new DownloadResult(body.Size, holder.Id, target) { IsVerified = verified };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _lastFailure = $"{holder} sent nothing for {_options.Stall.TotalSeconds} s";
        }
        catch (WrongBytesException exception)
        {
            reason = "wrong";
            _lastFailure = exception.Message;
            _wrong.Add(holder.Key);
        }
        catch (MissingFileException exception) when (_location is not null)
        {
            reason = "missing";
            _lastFailure = exception.Message;
        }
        catch (Exception exception) when (exception is InvalidDataException or HttpRequestException
            || exception is IOException and not (DiskFullException or TargetException or MissingFileException))
        {
            _lastFailure = exception.Message;
        }
        Note(holder, reason);
        return null;
    }

    private void Note(Holder holder, string reason)
    {
        long now = _time.GetTimestamp();
        if (!_failed.ContainsKey(holder.Key)) _newsAt = now;
        _failed[holder.Key] = (holder, now);
        if (_location is { IsWholeList: true })
        {
            _ = around.Finder.ReportAsync(name, holder.Id, reason, CancellationToken.None);
        }
    }

    private async Task<Body> OpenAsync(Holder holder, CancellationToken cancellationToken)
    {
        long expected = _location?.Size ?? -1;
        Body body;
        if (holder.Url is { } url)
        {
            body = await around.Http.OpenWholeAsync(url, holder.ToString(), cancellationToken).ConfigureAwait(false);
        }
        else
        {
            LineConnection connection =
                await around.Dialer.DialAsync(holder.Host, holder.Port, cancellationToken).ConfigureAwait(false);
            body = new Body(await RequestAsync(connection, holder, cancellationToken).ConfigureAwait(false),
                connection.ReadAsync, connection);
        }
        // Another size than the index tells is another file, or one that is being changed.
        if (expected < 0 || expected == body.Size) return body;
        await body.DisposeAsync().ConfigureAwait(false);
        throw new IOException($"{holder.Id} offers {body.Size} bytes where the index says {expected}");
    }

    private async Task<long> RequestAsync(
        LineConnection connection, Holder holder, CancellationToken cancellationToken)
    {
        try
        {
            return await FileRequest.SendAsync(connection, name, holder.ToString(), cancellationToken)
                .ConfigureAwait(false) ?? throw new MissingFileException($"{holder} has no such file");
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // True when the bytes were verified.
    private async Task<bool> ReceiveAsync(
        Body body, string server, CancellationTokenSource stall, CancellationToken cancellationToken)
    {
        FileDigest expected = _location?.Digest ?? FileDigest.None;
        using IncrementalHash? hash =
            expected.IsNone ? null : IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[(int)Math.Clamp(body.Size, 1, BufferBytes)];
        how.Progress?.Report(new DownloadProgress(0, body.Size, server) { Servers = 1 });
        for (long done = 0; done < body.Size;)
        {
            int most = (int)Math.Min(buffer.Length, body.Size - done);
            int read = await body.Read(buffer.AsMemory(0, most), cancellationToken).ConfigureAwait(false);
            if (read == 0) throw new IOException($"{server} ended after {done} of {body.Size} bytes");
            TargetException.Guard(() => _file!.Write(buffer.AsSpan(0, read)));
            hash?.AppendData(buffer, 0, read);
            done += read;
            if (done > _most) (_most, _newsAt) = (done, _time.GetTimestamp());
            stall.CancelAfter(_options.Stall);
            how.Progress?.Report(new DownloadProgress(done, body.Size, server) { Servers = 1 });
        }
        if (hash is null || new FileDigest(hash.GetHashAndReset()) == expected) return hash is not null;
        throw new WrongBytesException($"{server} sent wrong bytes");
    }

    private AtomicFile OpenTarget()
    {
        AtomicFile? file = null;
        TargetException.Guard(() => file = AtomicFile.Create(target));
        return file!;
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
