using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content.Figures;

/// <summary>Gathers what was sent of each file once a second, and remembers it across restarts.</summary>
/// <remarks>A file is counted where its handle is, which many downloads share; what is gathered is what each of them
/// has beyond what was gathered before. Each day is a file, written anew once a minute when it changed; of 31 that are
/// used in turn, so that none has to be deleted.</remarks>
internal sealed partial class DownloadKeeper(
    string? state, OpenFiles files, StoreHealth health, Func<Action, Task> atDisk, TimeProvider time, ILogger logger)
    : IDisposable
{
    private const int WriteEvery = 60;

    // Handles that left within a second; each cost an open.
    private const int MostLeft = 100_000;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly ConcurrentQueue<SentBytes> _left = [];
    private readonly HashSet<DateOnly> _changed = [];
    private int _leftCount;
    private volatile bool _isRead;

    /// <summary>What was counted.</summary>
    public DownloadTally Tally { get; } = new() { IsReading = state is not null };

    /// <summary>Takes what was sent of a file whose handle is closed; from an event loop.</summary>
    public void Leave(SentBytes sent)
    {
        if (Interlocked.Increment(ref _leftCount) <= MostLeft) _left.Enqueue(sent);
        else Interlocked.Decrement(ref _leftCount);
    }

    /// <summary>Works until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await atDisk(() => Try(Read)).ConfigureAwait(false);
        // Also when it could not be read: what is counted from here on is told.
        Tally.IsReading = false;
        for (int second = 1; ; second++)
        {
            await Task.Delay(Tick, time, cancellationToken).ConfigureAwait(false);
            Gather();
            if (second % WriteEvery == 0) await atDisk(() => Try(Write)).ConfigureAwait(false);
        }
    }

    /// <summary>Writes down what was counted, once nobody is served any more.</summary>
    public void Dispose()
    {
        Gather();
        Try(Write);
    }

    /// <summary>Counts what was sent since the last time.</summary>
    internal void Gather()
    {
        DateOnly day = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        List<SentBytes> sent = files.TakeSent();
        while (_left.TryDequeue(out SentBytes left))
        {
            Interlocked.Decrement(ref _leftCount);
            sent.Add(left);
        }
        foreach (SentBytes one in sent) Tally.Add(day, one.Name, (double)one.Bytes / one.Size, one.Bytes);
        if (sent.Count > 0) lock (_lock) _changed.Add(day);
    }

    internal void Read()
    {
        DateOnly today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        for (int back = DownloadTally.MostDays - 1; back >= 0; back--)
        {
            DateOnly day = today.AddDays(-back);
            FileOf(day)?.Read(line => Take(line, day));
        }
        _isRead = true;
        Tally.IsReading = false;
    }

    internal void Write()
    {
        // What was not read would be overwritten by less.
        if (!_isRead) return;
        DateOnly[] changed;
        lock (_lock) changed = [.. _changed];
        foreach (DateOnly day in changed)
        {
            // What is counted from here on changes the day again.
            lock (_lock) _changed.Remove(day);
            ArrayBufferWriter<byte> lines = new();
            foreach ((string name, double downloads, long bytes) in Tally.Of(day))
            {
                lines.WriteText($"{DownloadCount.DayText(day)} ");
                lines.WriteText(downloads.ToString("R", CultureInfo.InvariantCulture));
                lines.WriteText($" {bytes} ");
                PercentText.Encode(Encoding.UTF8.GetBytes(name), lines);
                lines.Write("\n"u8);
            }
            try
            {
                FileOf(day)?.Replace(lines.WrittenSpan);
            }
            catch
            {
                lock (_lock) _changed.Add(day);
                throw;
            }
        }
    }

    // A file that was last used a month ago tells of another day.
    private void Take(ReadOnlySpan<byte> line, DateOnly day)
    {
        Words words = new(line);
        if (!words.Next(out ReadOnlySpan<byte> word)
            || !word.SequenceEqual(Encoding.UTF8.GetBytes(DownloadCount.DayText(day)))) return;
        if (!words.Next(out word) || !double.TryParse(word, CultureInfo.InvariantCulture, out double downloads)
            || !double.IsFinite(downloads) || downloads < 0) return;
        if (!words.NextNumber(out long bytes) || !words.Next(out word) || !words.AtEnd) return;
        byte[] name = new byte[word.Length];
        name = name[..PercentText.Decode(word, name)];
        if (FileName.IsValid(name)) Tally.Add(day, Encoding.UTF8.GetString(name), downloads, bytes);
    }

    private LineFile? FileOf(DateOnly day) => state is null ? null : new LineFile(
        Path.Combine(state, "downloads", $"{day.DayNumber % DownloadTally.MostDays:00}"), health);

    private void Try(Action work)
    {
        try
        {
            work();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogTrouble(exception.Message);
        }
    }

    [LoggerMessage(4110, LogLevel.Warning, "downloads that were counted are not remembered over a restart: {Reason}")]
    private partial void LogTrouble(string reason);
}

/// <summary>What was sent of a file lately.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Size">Its length, more than 0.</param>
/// <param name="Bytes">How many bytes.</param>
internal readonly record struct SentBytes(string Name, long Size, long Bytes);
