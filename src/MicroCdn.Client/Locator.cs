using System.Buffers;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Asks one index where files are, in the newest version of the protocol that it speaks.</summary>
/// <remarks>
/// <para>Version 2 is tried first; whatever is no welcome means version 1, and is remembered for ten minutes once a
/// question in version 1 was answered. An index that once spoke version 2 is never asked in version 1 again: it is the
/// same index, and only somebody in between could want it to say less. One of version 2 that does not know LOCATE is
/// asked by GET.</para>
/// <para>Silence and a close are weaker words than a refusal: one of version 2 that was paused is silent too, and its
/// answer in version 1 has no digest to verify by. So after silence the answer counts only when version 2 was tried
/// once more; and where the memory has it that the index welcomed version 2 within ten minutes, neither counts.</para>
/// </remarks>
internal sealed class Locator(
    string host, int port, IDialer dialer, TimeProvider time, TimeSpan limit, ListMemory? memory) : IFinder
{
    private const int MostNot = 40;
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    private readonly IndexClient _plain = new(host, port, dialer, time, limit);
    private long? _version1Since;
    private volatile bool _speaks2;

    /// <summary>How messages and memories call it.</summary>
    public string Name => $"{host}:{port}";

    /// <inheritdoc/>
    public async Task<Location?> FindAsync(
        FileName name, IReadOnlyCollection<string> not, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            Greeted greeted = await GreetAsync(either.Token).ConfigureAwait(false);
            Route? route = null;
            if (greeted.Connection is null)
            {
                route = await _plain.LocateAsync(name, cancellationToken).ConfigureAwait(false);
                // Who answers now was paused before, or is of version 1 and silent again.
                late.CancelAfter(limit);
                if (greeted.Welcome is Welcome.Silence) greeted = await GreetAsync(either.Token).ConfigureAwait(false);
            }
            if (greeted.Connection is not { } connection) return OfVersion1(route);
            await using (connection.ConfigureAwait(false))
            {
                return await LocateAsync(connection, name, not, either.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the index at {Name} did not answer within {limit.TotalSeconds} s");
        }
    }

    private Location? OfVersion1(Route? route)
    {
        if (_version1Since is null)
        {
            _version1Since = time.GetTimestamp();
            if (memory?.IsVersion1(Name) == false) memory.KeepVersion1(Name);
        }
        return route is null ? null : Of(route);
    }

    /// <inheritdoc/>
    public Task<List<ServerRow>> ListServersAsync(CancellationToken cancellationToken) =>
        _plain.ListServersAsync(cancellationToken);

    /// <inheritdoc/>
    public async Task ReportAsync(
        FileName name, string server, string reason, CancellationToken cancellationToken)
    {
        if (!_speaks2) return;
        using CancellationTokenSource late = new(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            Greeted greeted = await GreetAsync(either.Token).ConfigureAwait(false);
            await using LineConnection? connection = greeted.Connection;
            if (connection is null) return;
            ArrayBufferWriter<byte> line = new();
            line.Write("REPORT "u8);
            PercentText.Encode(Encoding.UTF8.GetBytes(name.Value), line);
            line.Write(Encoding.UTF8.GetBytes($" {server} {reason}\n"));
            await connection.SendAsync(line.WrittenMemory, either.Token).ConfigureAwait(false);
            await connection.ReadLineAsync(either.Token).ConfigureAwait(false);
        }
        catch (Exception exception)
            when (exception is IOException or InvalidDataException or OperationCanceledException)
        {
            // The download does not depend on it.
        }
    }

    // Without a connection when the index is one of version 1.
    private async Task<Greeted> GreetAsync(CancellationToken cancellationToken)
    {
        Greeted known = new(null, Welcome.Refused);
        if (_version1Since is { } since && time.GetElapsedTime(since) < Memory) return known;
        if (!_speaks2 && memory?.IsVersion1(Name) == true) return known;
        Greeted greeted =
            await Speaking2.GreetAsync(dialer, host, port, time, cancellationToken).ConfigureAwait(false);
        if (greeted.Connection is not null)
        {
            if (!_speaks2) memory?.KeepVersion2(Name);
            _speaks2 = true;
            return greeted;
        }
        _version1Since = null;
        // Another process may have met another index at this address: what that one says now counts, its silence not.
        if (_speaks2 || (greeted.Welcome is not Welcome.Refused && memory?.IsVersion2(Name) == true))
        {
            throw new IOException($"the index at {Name} did not welcome version 2, as it did before");
        }
        return greeted;
    }

    private async Task<Location?> LocateAsync(LineConnection connection, FileName name,
        IReadOnlyCollection<string> not, CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> question = new();
        question.Write("LOCATE "u8);
        PercentText.Encode(Encoding.UTF8.GetBytes(name.Value), question);
        foreach (string id in not.Take(MostNot))
        {
            question.Write(" not="u8);
            PercentText.Encode(Encoding.UTF8.GetBytes(id), question);
        }
        question.Write("\n"u8);
        await connection.SendAsync(question.WrittenMemory, cancellationToken).ConfigureAwait(false);
        LocationReader reader = new(name);
        while (await connection.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (line.Span.SequenceEqual("END"u8) && reader.Result is { } result) return result;
            if (line.Span.SequenceEqual("ERROR FILE_NOT_FOUND"u8)) return null;
            if (line.Span.SequenceEqual("ERROR UNAVAILABLE"u8))
            {
                throw new IOException($"every server that has '{name}' is down");
            }
            if (line.Span.SequenceEqual("ERROR UNKNOWN_COMMAND"u8))
            {
                return await GetAsync(connection, name, cancellationToken).ConfigureAwait(false);
            }
            if (reader.Take(line.Span)) continue;
            throw new IOException($"the index at {Name} answered '{Encoding.UTF8.GetString(line.Span)}'");
        }
        throw new IOException($"the index at {Name} closed the connection without an answer");
    }

    private async Task<Location?> GetAsync(
        LineConnection connection, FileName name, CancellationToken cancellationToken)
    {
        await connection.SendAsync(name.ToGetLine(), cancellationToken).ConfigureAwait(false);
        string answer = await connection.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line
            ? Encoding.UTF8.GetString(line.Span)
            : throw new IOException($"the index at {Name} closed the connection without an answer");
        if (Route.TryParse(Encoding.UTF8.GetBytes(answer), out Route? route)) return Of(route!);
        return answer == "ERROR FILE_NOT_FOUND" ? null
            : throw new IOException($"the index at {Name} answered '{answer}'");
    }

    private static Location Of(Route route) =>
        new(route.Size, [new Holder(route.Id.Value, route.Host, route.Port)]);
}
