using System.Buffers;
using System.Runtime.Versioning;
using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Monitor;

/// <summary>Remembers whom an operator took out of rotation, also over a restart of the monitor.</summary>
/// <remarks>A line for each, replaced whole and made durable before the operator is answered.</remarks>
[SupportedOSPlatform("linux")]
internal sealed partial class DrainedServers(string? folder, ILogger logger)
{
    private readonly Lock _lock = new();

    /// <summary>True when there is a folder to remember in.</summary>
    public bool Lasts => folder is not null;

    /// <summary>Those that an earlier process remembered.</summary>
    public List<ServerId> Read()
    {
        List<ServerId> drained = [];
        if (folder is null) return drained;
        try
        {
            new LineFile(PathIn(folder)).Read(line =>
            {
                byte[] id = new byte[line.Length];
                int length = PercentText.Decode(line, id);
                if (drained.Count < Limits.Servers && ServerId.TryCreate(id.AsSpan(0, length), out ServerId server))
                {
                    drained.Add(server);
                }
            });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogUnread(PathIn(folder), exception.Message);
        }
        return drained;
    }

    /// <summary>Remembers these and no others; waits for the disk. What cannot be written is told in the log.</summary>
    /// <param name="current">Those that are drained when the file's turn has come.</param>
    public void Write(Func<IEnumerable<ServerId>> current)
    {
        if (folder is null) return;
        lock (_lock)
        {
            try
            {
                ArrayBufferWriter<byte> text = new();
                foreach (ServerId id in current())
                {
                    PercentText.Encode(Encoding.UTF8.GetBytes(id.Value), text);
                    text.Write("\n"u8);
                }
                using AtomicFile file = AtomicFile.Create(PathIn(folder));
                file.Write(text.WrittenSpan);
                file.Commit();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                LogUnwritten(PathIn(folder), exception.Message);
            }
        }
    }

    private static string PathIn(string folder) => Path.Combine(folder, "drained");

    [LoggerMessage(3020, LogLevel.Error, "who is drained cannot be read from '{Path}': {Reason}")]
    private partial void LogUnread(string path, string reason);

    [LoggerMessage(3021, LogLevel.Error, "who is drained will be forgotten at the next start, '{Path}' cannot be "
        + "written: {Reason}")]
    private partial void LogUnwritten(string path, string reason);
}
