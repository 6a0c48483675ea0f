using System.Buffers;
using System.Net;
using System.Text.Json;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Gateway.Api;

/// <summary>Who changed what, one line of JSON each, in a file of the state folder, and the newest in memory.</summary>
/// <remarks>At <see cref="MostBytes"/> the file becomes <c>audit.log.1</c>, and a new one begins. What cannot be
/// written is done all the same, and said in the log: a full disk must not keep an operator from making
/// room.</remarks>
internal sealed partial class AuditLog
{
    /// <summary>The file.</summary>
    public const string FileName = "audit.log";

    /// <summary>The most bytes of the file: some twenty thousand entries.</summary>
    public const long MostBytes = 4 << 20;

    /// <summary>Most entries in memory.</summary>
    public const int Most = 1_000;

    private readonly Lock _lock = new();
    private readonly Queue<AuditEntry> _newest = new();
    private readonly LineFile _file;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private bool _isBroken;

    /// <summary>Takes over the newest entries of an earlier process.</summary>
    public AuditLog(string folder, TimeProvider time, ILogger logger)
    {
        (_file, _time, _logger) = (new LineFile(Path.Combine(folder, FileName)), time, logger);
        try
        {
            _file.Read(Recall);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogBroken(_file.Path, exception.Message);
        }
    }

    /// <summary>The newest entries, the newest first.</summary>
    public AuditEntry[] Newest
    {
        get
        {
            lock (_lock) return [.. _newest.Reverse()];
        }
    }

    /// <summary>Adds an entry; waits for the disk's cache, not for the disk.</summary>
    public void Add(string token, IPAddress from, string action, int status, string detail)
    {
        AuditEntry entry = new(_time.GetUtcNow(), token, WireAddress.Format(from), action, status, detail);
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(entry, ApiJson.Default.AuditEntry), (byte)'\n'];
        lock (_lock)
        {
            Remember(entry);
            try
            {
                Write(line);
                _isBroken = false;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Once, until it can be written again.
                if (!_isBroken) LogBroken(_file.Path, exception.Message);
                _isBroken = true;
            }
        }
    }

    /// <summary>Adds how something ended that was begun by a call.</summary>
    public void End(ApiCall call, bool isDone, string detail) =>
        Add(call.Grant?.Id ?? "", call.From, $"end of {call.Action}", isDone ? 200 : 503, detail);

    private void Write(byte[] line)
    {
        if (_file.Length >= MostBytes)
        {
            ArrayBufferWriter<byte> all = new();
            _file.Read(old => all.Write([.. old, (byte)'\n']));
            new LineFile($"{_file.Path}.1").Replace(all.WrittenSpan);
            _file.Replace([]);
        }
        _file.Append(line);
    }

    private void Recall(ReadOnlySpan<byte> line)
    {
        try
        {
            if (JsonSerializer.Deserialize(line, ApiJson.Default.AuditEntry) is { } entry) Remember(entry);
        }
        catch (JsonException)
        {
            // The end of the process cut it short.
        }
    }

    private void Remember(AuditEntry entry)
    {
        if (_newest.Count >= Most) _newest.Dequeue();
        _newest.Enqueue(entry);
    }

    [LoggerMessage(5120, LogLevel.Error, "who changed what cannot be written to {Path}: {Why}")]
    private partial void LogBroken(string path, string why);
}
