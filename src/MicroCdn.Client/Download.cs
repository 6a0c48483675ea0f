using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Client;

/// <summary>One download: from the index's answer to the file in place, over as many servers as it takes.</summary>
/// <remarks>
/// <para>1. Ask the index. 2. Fetch from the server that it names, counting bytes. 3. When that server refuses,
/// stalls or dies, remember it and ask again, every half second: the index learns of a death some seconds later. 4.
/// While the index still names a failed server, ask it for all its servers and try the others. 5. Start over at byte
/// 0, since version 1 knows no other place to start.</para>
/// <para>A failed server is tried again only when the index names no other and it has had <see cref="SecondChance"/> to
/// come back: a fleet of one that restarts must not fail a download that could wait three seconds. A second chance that
/// fails does not renew the patience; more bytes than ever do, and so does the first failure of one more server.</para>
/// </remarks>
internal sealed class Download(FileName name, string target, ClientOptions options, IndexClient index, IDialer dialer,
    TimeProvider time, IProgress<DownloadProgress>? progress)
{
    private const int MostAttempts = 16;
    private const int BufferBytes = 256 * 1024;
    private static readonly TimeSpan SecondChance = TimeSpan.FromSeconds(3);

    private readonly Dictionary<(string Host, int Port), long> _failed = [];
    private string _lastFailure = "";
    private long _newsAt;
    private long _most;
    private AtomicFile? _file;

    public async Task<DownloadResult> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            Route? route = await FirstRouteAsync(cancellationToken).ConfigureAwait(false);
            long size = route!.Size;
            for (int attempts = 0; attempts < MostAttempts;)
            {
                if (route is not null)
                {
                    attempts++;
                    if (await FetchAsync(route, cancellationToken).ConfigureAwait(false) is { } result) return result;
                }
                else if (time.GetElapsedTime(_newsAt) >= options.Patience) break;
                else await Task.Delay(options.AskAgain, time, cancellationToken).ConfigureAwait(false);
                route = await NextRouteAsync(size, cancellationToken).ConfigureAwait(false);
                size = route?.Size ?? size;
            }
            throw new CdnException(CdnFailure.Unreachable, $"no server could deliver '{name}': {_lastFailure}");
        }
        finally
        {
            _file?.Dispose();
        }
    }

    public async Task<DownloadResult> RunFromAsync(string host, int port, CancellationToken cancellationToken)
    {
        try
        {
            ServerId.TryCreate($"{host}:{port}", out ServerId id);
            return await FetchAsync(new Route(host, port, id, -1), cancellationToken).ConfigureAwait(false)
                ?? throw new CdnException(CdnFailure.Unreachable, $"'{name}' could not be delivered: {_lastFailure}");
        }
        catch (MissingFileException)
        {
            throw new CdnException(CdnFailure.NotFound, $"{host}:{port} has no file '{name}'");
        }
        finally
        {
            _file?.Dispose();
        }
    }

    private async Task<Route> FirstRouteAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await index.LocateAsync(name, cancellationToken).ConfigureAwait(false)
                ?? throw new CdnException(CdnFailure.NotFound, $"no live server has a file '{name}'");
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw new CdnException(CdnFailure.Unreachable, exception.Message, exception);
        }
    }

    // Another server after a failure; null when there is none yet.
    private async Task<Route?> NextRouteAsync(long size, CancellationToken cancellationToken)
    {
        try
        {
            Route? named = await index.LocateAsync(name, cancellationToken).ConfigureAwait(false);
            if (named is null || !_failed.TryGetValue((named.Host, named.Port), out long failedAt)) return named;
            foreach (ServerRow row in await index.ListServersAsync(cancellationToken).ConfigureAwait(false))
            {
                if (!row.Alive || _failed.ContainsKey((row.Host, row.Port))) continue;
                return new Route(row.Host, row.Port, row.Id, size);
            }
            return time.GetElapsedTime(failedAt) >= SecondChance ? named : null;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            _lastFailure = exception.Message;
            return null;
        }
    }

    // Null when the server could not deliver; it is remembered as failed, and why.
    private async Task<DownloadResult?> FetchAsync(Route route, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stall = new(options.Stall, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, cancellationToken);
        try
        {
            await using LineConnection connection =
                await dialer.DialAsync(route.Host, route.Port, either.Token).ConfigureAwait(false);
            long size = await RequestAsync(connection, route, either.Token).ConfigureAwait(false);
            if (_file is null) _file = OpenTarget();
            else Guard(_file.Restart);
            await ReceiveAsync(connection, size, route.Id.Value, stall, either.Token).ConfigureAwait(false);
            Save();
            return new DownloadResult(size, route.Id.Value, target);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _lastFailure = $"{route.Id} at {route.Host}:{route.Port} sent nothing for {options.Stall.TotalSeconds} s";
        }
        catch (MissingFileException) when (route.Size >= 0)
        {
            _lastFailure = $"{route.Id} at {route.Host}:{route.Port} has no such file";
        }
        catch (Exception exception) when (exception is InvalidDataException
            || exception is IOException and not (DiskFullException or TargetException or MissingFileException))
        {
            _lastFailure = exception.Message;
        }
        long now = time.GetTimestamp();
        if (!_failed.ContainsKey((route.Host, route.Port))) _newsAt = now;
        _failed[(route.Host, route.Port)] = now;
        return null;
    }

    private async Task<long> RequestAsync(LineConnection connection, Route route, CancellationToken cancellationToken)
    {
        string where = $"{route.Id} at {route.Host}:{route.Port}";
        long size = await FileRequest.SendAsync(connection, name, where, cancellationToken).ConfigureAwait(false)
            ?? throw new MissingFileException();
        // Another size than the index tells is another file, or one that is being changed.
        if (route.Size < 0 || route.Size == size) return size;
        throw new IOException($"{route.Id} offers {size} bytes where the index says {route.Size}");
    }

    private async Task ReceiveAsync(LineConnection connection, long size, string server, CancellationTokenSource stall,
        CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[(int)Math.Clamp(size, 1, BufferBytes)];
        progress?.Report(new DownloadProgress(0, size, server));
        for (long done = 0; done < size;)
        {
            int most = (int)Math.Min(buffer.Length, size - done);
            int read = await connection.ReadAsync(buffer.AsMemory(0, most), cancellationToken).ConfigureAwait(false);
            if (read == 0) throw new IOException($"{server} ended after {done} of {size} bytes");
            Guard(() => _file!.Write(buffer.AsSpan(0, read)));
            done += read;
            if (done > _most) (_most, _newsAt) = (done, time.GetTimestamp());
            stall.CancelAfter(options.Stall);
            progress?.Report(new DownloadProgress(done, size, server));
        }
    }

    private AtomicFile OpenTarget()
    {
        AtomicFile? file = null;
        Guard(() => file = AtomicFile.Create(target));
        return file!;
    }

    private void Save() => Guard(_file!.Commit);

    // Trouble with our own disk is not the server's fault, and no other server would help.
    private static void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
            when (exception is IOException and not DiskFullException or UnauthorizedAccessException)
        {
            throw new TargetException(exception);
        }
    }

    private sealed class MissingFileException : IOException;
}

/// <summary>The target cannot be written.</summary>
public sealed class TargetException(Exception inner) : IOException(inner.Message, inner);
