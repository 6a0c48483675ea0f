using System.Buffers;
using System.Text;
using MicroCdn.Content.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>Keeps the index told: registers with the whole list of files, and again whenever that may have been
/// lost.</summary>
/// <remarks>
/// <para>To an index of version 2 (<see cref="IndexGreeting"/>) only what changed is told, on the connection that stays
/// open: added and removed files at once, digests as they become known.</para>
/// <para>Version 1 has no word for "I am still here" or "my files changed", so the registration connection itself is
/// the sign: it stays open, and when it closes the server registers again. At once if it had stayed open for two
/// seconds, since then an index that keeps connections has gone and may be back; else every thirty seconds, since an
/// index that closes after each answer would otherwise be told its files for ever.</para>
/// <para>A changed library is registered over a new connection; the index replaces the whole list at DONE_FILES.</para>
/// </remarks>
internal sealed partial class Announcer(
    ContentOptions options, long incarnation, IDialer dialer, TimeProvider time, ILogger logger, Func<Library> library)
{
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ApplyTime = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Refusal = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StayedOpen = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ClosingIndex = TimeSpan.FromSeconds(30);
    private const int SendBytes = 64 * 1024;

    private readonly Bell _changed = new(time);
    private readonly IndexGreeting _greeting = new(options, dialer, time);
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _leaving;
    private IndexLink? _better;
    private bool _reached;
    private bool _saidUnreachable;

    /// <summary>True while an index of version 2 has us registered.</summary>
    public Latch Speaks2 { get; } = new();

    /// <summary>Registers again soon: the library changed.</summary>
    public void Announce() => _changed.Ring();

    /// <summary>Tells what became known of the same files; version 1 has no word for it.</summary>
    public void AnnounceDigests()
    {
        if (Speaks2.Is) _changed.Ring();
    }

    /// <summary>Takes this server out of rotation for as long as it still runs; returns when the index knows, or cannot
    /// be told.</summary>
    public Task LeaveAsync(CancellationToken cancellationToken)
    {
        _leaving = true;
        _changed.Ring();
        return _left.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Registers, and stays registered, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        IndexLink? held = null;
        TimeSpan pause = FirstPause;
        // Since when we have been registered without a break: a library that changes does not end that.
        long since = 0;
        bool changed = false;
        try
        {
            while (true)
            {
                IndexLink? previous = held;
                (held, _reached, Speaks2.Is) = (null, false, false);
                if (_leaving) await StayAwayAsync(previous, cancellationToken).ConfigureAwait(false);
                try
                {
                    held = await RegisterAsync(null, cancellationToken).ConfigureAwait(false);
                    pause = FirstPause;
                }
                catch (Exception exception) when (exception is IOException or InvalidDataException)
                {
                    if (!_saidUnreachable) LogUnreachable(options.IndexHost, options.IndexPort, exception.Message);
                    _saidUnreachable = true;
                }
                if (previous is not null) await previous.DisposeAsync().ConfigureAwait(false);
                if (held is null)
                {
                    // Short pauses while nobody listens: an index that comes back is to know all files within two
                    // seconds. One that is there and fails us again and again is given a little more time.
                    await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
                    TimeSpan longest = _reached ? LongestPause * 3 : LongestPause;
                    pause = pause * 2 < longest ? pause * 2 : longest;
                    continue;
                }
                if (previous is null || !changed) since = time.GetTimestamp();
                Speaks2.Is = held.Told is not null;
                // What became known while the list was told has rung nobody.
                AnnounceDigests();
                changed = await StayAsync(held, since, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            if (held is not null) await held.DisposeAsync().ConfigureAwait(false);
            if (_better is not null) await _better.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Returns when it is time to register again: true when the library changed, or the index has learnt version 2,
    // false when the connection is gone.
    private async Task<bool> StayAsync(IndexLink link, long since, CancellationToken cancellationToken)
    {
        while (true)
        {
            TimeSpan limit = link.Told is null ? _greeting.Remembered : Timeout.InfiniteTimeSpan;
            bool? changed = await WaitAsync(link.Connection, limit, cancellationToken).ConfigureAwait(false);
            if (_leaving) return false;
            if (changed is null)
            {
                if (time.GetElapsedTime(since) < StayedOpen)
                {
                    // One of version 1 may close each time; one of version 2 ended, and may be back at once.
                    TimeSpan wait = link.Told is null ? ClosingIndex : LongestPause;
                    await _changed.WaitAsync(wait, cancellationToken).ConfigureAwait(false);
                }
                return false;
            }
            if (link.Told is { } told)
            {
                if (!await TryTellAsync(link.Connection, told, cancellationToken).ConfigureAwait(false)) return false;
            }
            else if (changed.Value) return true;
            else if (await TryBetterAsync(cancellationToken).ConfigureAwait(false)) return true;
        }
    }

    // Never returns: whoever leaves registers no more. The connection is held, since its end could mean anything.
    private async Task StayAwayAsync(IndexLink? link, CancellationToken cancellationToken)
    {
        try
        {
            if (link is not null) await SayLeavingAsync(link, cancellationToken).ConfigureAwait(false);
            _left.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (link is not null) await link.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Version 1 has no word for leaving, but a list without files says the same.
    private async Task SayLeavingAsync(IndexLink link, CancellationToken cancellationToken)
    {
        try
        {
            if (link.Told is null)
            {
                IndexLink empty = await RegisterAsync(Library.Empty, cancellationToken).ConfigureAwait(false);
                await empty.DisposeAsync().ConfigureAwait(false);
                return;
            }
            await link.Connection.SendAsync(Encoding.UTF8.GetBytes($"DRAIN {options.Id}\n"), cancellationToken)
                .ConfigureAwait(false);
            ReadOnlyMemory<byte>? answer = await link.Connection.ReadLineAsync(cancellationToken).ConfigureAwait(false);
            if (answer is not { } line || line.Span.SequenceEqual("OK DRAINING"u8)) return;
            LogRefused(options.IndexHost, options.IndexPort, $"DRAIN {options.Id}", Encoding.UTF8.GetString(line.Span));
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            LogNotToldLeaving(options.IndexHost, options.IndexPort, exception.Message);
        }
    }

    // True when the bell rang, false after the limit, null when the connection was closed first.
    private async Task<bool?> WaitAsync(
        LineConnection connection, TimeSpan limit, CancellationToken cancellationToken)
    {
        bool? changed = null;
        using var closed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task watching = CancelWhenClosedAsync(connection, closed);
        try
        {
            changed = await _changed.WaitAsync(limit, closed.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Closed.
        }
        await closed.CancelAsync().ConfigureAwait(false);
        await watching.ConfigureAwait(false);
        return changed;
    }

    // Tells what changed as one change; false when the index did not take it.
    private async Task<bool> TryTellAsync(
        LineConnection connection, ToldFiles told, CancellationToken cancellationToken)
    {
        try
        {
            if (await SendAsync(connection, told.Tell(library()), cancellationToken).ConfigureAwait(false))
            {
                await AskAsync(connection, "DONE_FILES\n", "OK FILES_ADDED", ApplyTime, cancellationToken)
                    .ConfigureAwait(false);
            }
            return true;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            LogNotTold(options.IndexHost, options.IndexPort, exception.Message);
            return false;
        }
    }

    // Whether an index that was one of version 1 speaks version 2 by now; the connection is used to register next.
    private async Task<bool> TryBetterAsync(CancellationToken cancellationToken)
    {
        try
        {
            _better = await _greeting.TryVersion2Async(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // When it is gone, the connection that is held says so.
        }
        if (_better is null) _greeting.AskLater();
        return _better is not null;
    }

    private static async Task CancelWhenClosedAsync(LineConnection connection, CancellationTokenSource closed)
    {
        try
        {
            while (await connection.ReadLineAsync(closed.Token).ConfigureAwait(false) is not null)
            {
                // An index may say more; nothing it says here asks for an answer.
            }
        }
        catch (Exception exception)
            when (exception is IOException or InvalidDataException or OperationCanceledException)
        {
            // Closed is closed.
        }
        await closed.CancelAsync().ConfigureAwait(false);
    }

    // With what the library holds by then, or with other files.
    private async Task<IndexLink> RegisterAsync(Library? others, CancellationToken cancellationToken)
    {
        IndexLink link = _better ?? await _greeting.DialAsync(cancellationToken).ConfigureAwait(false);
        (_better, _reached) = (null, true);
        try
        {
            LineConnection connection = link.Connection;
            Library files = others ?? library();
            await AskAsync(connection, RegisterLine(link.Told is not null), "OK REGISTERED", AnswerTime,
                cancellationToken).ConfigureAwait(false);
            if (link.Told is { } told)
            {
                await SendAsync(connection, told.Tell(files), cancellationToken).ConfigureAwait(false);
            }
            else await SendFilesAsync(connection, files, cancellationToken).ConfigureAwait(false);
            await AskAsync(connection, "DONE_FILES\n", "OK FILES_ADDED", ApplyTime, cancellationToken)
                .ConfigureAwait(false);
            LogRegistered(options.Id, files.Count + files.Published.Count, options.IndexHost, options.IndexPort);
            _saidUnreachable = false;
            if (link.Told is null) _greeting.Remember();
            return link;
        }
        catch
        {
            await link.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private string RegisterLine(bool speaks2)
    {
        ArrayBufferWriter<byte> line = new();
        line.WriteText($"REGISTER {options.Id} {options.TcpPort} {options.UdpPort}");
        if (speaks2)
        {
            options.Facts.Write(line);
            line.WriteText($" inc={incarnation}");
        }
        line.Write("\n"u8);
        return Encoding.UTF8.GetString(line.WrittenSpan);
    }

    // False when there was nothing to send.
    private async Task<bool> SendAsync(
        LineConnection connection, IEnumerable<ReadOnlyMemory<byte>> pieces, CancellationToken cancellationToken)
    {
        bool any = false;
        foreach (ReadOnlyMemory<byte> piece in pieces)
        {
            any = true;
            await SendAsync(connection, piece, Limits.StallTime, cancellationToken).ConfigureAwait(false);
        }
        return any;
    }

    private async Task SendFilesAsync(LineConnection connection, Library files, CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> lines = new(SendBytes + Limits.LineBytes);
        foreach (PublishedFile file in files.Published.All())
        {
            WriteFile(lines, file.Name, file.Blob.Size);
            await SendIfManyAsync(connection, lines, SendBytes, cancellationToken).ConfigureAwait(false);
        }
        for (int number = 0; number < files.Count; number++)
        {
            if (!files.IsHidden(number)) WriteFile(lines, files.NameOf(number), files.FactsOf(number).Size);
            await SendIfManyAsync(connection, lines, SendBytes, cancellationToken).ConfigureAwait(false);
        }
        await SendIfManyAsync(connection, lines, 1, cancellationToken).ConfigureAwait(false);
    }

    private void WriteFile(ArrayBufferWriter<byte> lines, ReadOnlySpan<byte> name, long size)
    {
        lines.Write("ADD_FILE "u8);
        lines.WriteText(options.Id.Value);
        lines.Write(" "u8);
        PercentText.Encode(name, lines);
        lines.Write(" "u8);
        lines.WriteNumber(size);
        lines.Write("\n"u8);
    }

    private async ValueTask SendIfManyAsync(LineConnection connection, ArrayBufferWriter<byte> lines, int many,
        CancellationToken cancellationToken)
    {
        if (lines.WrittenCount < many) return;
        await SendAsync(connection, lines.WrittenMemory, AnswerTime, cancellationToken).ConfigureAwait(false);
        lines.ResetWrittenCount();
    }

    // An index that stops reading would hold the registration for ever.
    private async Task SendAsync(LineConnection connection, ReadOnlyMemory<byte> lines, TimeSpan limit,
        CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            await connection.SendAsync(lines, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the index took no more of the list for {limit.TotalSeconds} s");
        }
    }

    private async Task AskAsync(
        LineConnection connection, string line, string expected, TimeSpan limit, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        ReadOnlyMemory<byte>? answer;
        try
        {
            await connection.SendAsync(Encoding.UTF8.GetBytes(line), either.Token).ConfigureAwait(false);
            answer = await connection.ReadLineAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the index did not answer '{line.TrimEnd()}' within {limit.TotalSeconds} s");
        }
        if (answer is not { } text) throw new IOException($"the index closed the connection after '{line.TrimEnd()}'");
        if (text.Span.SequenceEqual(Encoding.UTF8.GetBytes(expected))) return;
        // Asking again at once would only be refused at once.
        LogRefused(options.IndexHost, options.IndexPort, line.TrimEnd(), Encoding.UTF8.GetString(text.Span));
        await Task.Delay(Refusal, time, cancellationToken).ConfigureAwait(false);
        throw new IOException("the index refused the registration");
    }

    [LoggerMessage(4010, LogLevel.Information, "{Id} registered {Files} files with the index at {Host}:{Port}")]
    private partial void LogRegistered(ServerId id, int files, string host, int port);

    [LoggerMessage(4011, LogLevel.Warning, "the index at {Host}:{Port} is not reached, trying on: {Reason}")]
    private partial void LogUnreachable(string host, int port, string reason);

    [LoggerMessage(4013, LogLevel.Warning,
        "the index at {Host}:{Port} was not told what changed, registering anew: {Reason}")]
    private partial void LogNotTold(string host, int port, string reason);

    [LoggerMessage(4014, LogLevel.Warning, "the index at {Host}:{Port} was not told that this server leaves: {Reason}")]
    private partial void LogNotToldLeaving(string host, int port, string reason);

    [LoggerMessage(4012, LogLevel.Error, "the index at {Host}:{Port} refused '{Line}': {Answer}")]
    private partial void LogRefused(string host, int port, string line, string answer);
}
