using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Asks an index, or a monitor, one question on a connection of its own.</summary>
internal sealed class IndexClient(string host, int port, IDialer dialer, TimeProvider time, TimeSpan limit)
{
    // An index that ignores HELLO must not cost the whole limit.
    private static readonly TimeSpan WelcomeTime = TimeSpan.FromSeconds(2);

    /// <summary>Where a file is; null when no live server has it.</summary>
    /// <exception cref="IOException">The index does not answer.</exception>
    public async Task<Route?> LocateAsync(FileName name, CancellationToken cancellationToken)
    {
        byte[] raw = name.ToGetLine();
        Route? route = await LocateAsync(raw, cancellationToken).ConfigureAwait(false);
        if (route is not null) return route;
        // A foreign index that does not decode knows a name with spaces only as the word its server announced.
        byte[] encoded = name.ToEncodedGetLine();
        return raw.AsSpan().SequenceEqual(encoded) ? null
            : await LocateAsync(encoded, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Every file.</summary>
    public async Task<List<FileRow>> ListFilesAsync(CancellationToken cancellationToken)
    {
        List<FileRow> rows = [];
        await ListAsync("LIST_FILES\n"u8.ToArray(), line =>
        {
            if (FileRow.TryParse(line.Span, out FileRow? row)) rows.Add(row!);
        }, cancellationToken).ConfigureAwait(false);
        return rows;
    }

    /// <summary>Every server, in version 2 with state and reason where the peer speaks it.</summary>
    public async Task<List<ServerRow>> ListServersAsync(
        CancellationToken cancellationToken, bool inVersion2 = false)
    {
        List<ServerRow> rows = [];
        await ListAsync("LIST_SERVERS\n"u8.ToArray(), line =>
        {
            if (ServerRow.TryParse(line.Span, out ServerRow? row)) rows.Add(row!);
        }, cancellationToken, inVersion2).ConfigureAwait(false);
        return rows;
    }

    private async Task<Route?> LocateAsync(byte[] get, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            // HELLO is what most version 1 clients open with. An index that takes it amiss is asked without it.
            string answer = await AskAsync(get, hello: true, either.Token).ConfigureAwait(false)
                ?? await AskAsync(get, hello: false, either.Token).ConfigureAwait(false)
                ?? throw new IOException($"the index at {host}:{port} closed the connection without an answer");
            if (Route.TryParse(Encoding.UTF8.GetBytes(answer), out Route? route)) return route;
            if (answer == "ERROR FILE_NOT_FOUND") return null;
            throw new IOException($"the index at {host}:{port} answered '{answer}'");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the index at {host}:{port} did not answer within {limit.TotalSeconds} s");
        }
    }

    // Null when the index closed, did not welcome us, or said nothing to HELLO.
    private async Task<string?> AskAsync(byte[] get, bool hello, CancellationToken cancellationToken)
    {
        await using LineConnection connection =
            await dialer.DialAsync(host, port, cancellationToken).ConfigureAwait(false);
        try
        {
            if (hello)
            {
                using CancellationTokenSource silent = new(WelcomeTime, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(silent.Token, cancellationToken);
                await connection.SendAsync("HELLO\n"u8.ToArray(), either.Token).ConfigureAwait(false);
                ReadOnlyMemory<byte>? welcome = await connection.ReadLineAsync(either.Token).ConfigureAwait(false);
                if (welcome is not { } line || !line.Span.StartsWith("WELCOME"u8)) return null;
            }
            await connection.SendAsync(get, cancellationToken).ConfigureAwait(false);
            return await connection.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } answer
                ? Encoding.UTF8.GetString(answer.Span) : null;
        }
        catch (Exception exception) when (hello && (exception is IOException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)))
        {
            return null;
        }
    }

    private async Task ListAsync(byte[] verb, Action<ReadOnlyMemory<byte>> take, CancellationToken cancellationToken,
        bool inVersion2 = false)
    {
        using CancellationTokenSource late = new(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            LineConnection? spoken = inVersion2
                ? await Speaking2.TryDialAsync(dialer, host, port, time, either.Token).ConfigureAwait(false) : null;
            await using LineConnection connection =
                spoken ?? await dialer.DialAsync(host, port, either.Token).ConfigureAwait(false);
            late.CancelAfter(limit);
            await connection.SendAsync(verb, either.Token).ConfigureAwait(false);
            while (await connection.ReadLineAsync(either.Token).ConfigureAwait(false) is { } line)
            {
                if (line.Span.SequenceEqual("END"u8)) return;
                if (line.Span.StartsWith("ERROR"u8))
                {
                    throw new IOException($"{host}:{port} answered '{Encoding.UTF8.GetString(line.Span)}'");
                }
                take(line);
                late.CancelAfter(limit);
            }
            throw new IOException($"{host}:{port} closed the connection before the end of its list");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"{host}:{port} did not answer within {limit.TotalSeconds} s");
        }
    }
}
