using System.Buffers;
using System.Globalization;
using System.Text;
using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>Remembers, also across restarts, which purges of one index this server has applied.</summary>
/// <remarks>Written after the purge is durable where it was applied: a kill in between has it applied twice, which does
/// no harm.</remarks>
internal sealed partial class PurgePosition
{
    private readonly LineFile? _file;
    private readonly ILogger _logger;
    private bool _saysTrouble = true;

    /// <summary>Takes the folder of this server's state, null to forget at the end, which index it is, and whether
    /// there is no other.</summary>
    public PurgePosition(
        string? state, IndexEndPoint index, bool isOnly, StoreHealth health, ILogger logger)
    {
        _logger = logger;
        if (state is null) return;
        string path = Path.Combine(state, "purges");
        _file = new LineFile($"{path}-{FileWordOf(index.Host)}-{index.Port}", health);
        try
        {
            // Earlier versions knew one index; of several nobody knows which it was, and all are told anew.
            if (isOnly) new LineFile(path, health).Read(Recall);
            _file.Read(Recall);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogTrouble(exception.Message);
        }
    }

    /// <summary>Which log of which index; 0 when nothing is known.</summary>
    public ulong Epoch { get; private set; }

    /// <summary>The last purge that was applied.</summary>
    public long Number { get; private set; }

    /// <summary>Goes on to a purge.</summary>
    /// <param name="epoch">The log it is of.</param>
    /// <param name="number">Its number.</param>
    /// <param name="isDurable">False when it must be applied again after a restart.</param>
    public void Move(ulong epoch, long number, bool isDurable)
    {
        if ((Epoch, Number) == (epoch, number)) return;
        (Epoch, Number) = (epoch, number);
        if (!isDurable || _file is null) return;
        ArrayBufferWriter<byte> line = new();
        CheckedLine.Write(Encoding.ASCII.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"{epoch:x16} {number}")), line);
        try
        {
            _file.Replace(line.WrittenSpan);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (_saysTrouble) LogTrouble(exception.Message);
            _saysTrouble = false;
        }
    }

    // Two hosts that become the same are told their purges once more.
    private static string FileWordOf(string host) =>
        string.Concat(host.Select(one => char.IsAsciiLetterOrDigit(one) || one is '.' or '-' ? one : '_'));

    private void Recall(ReadOnlySpan<byte> line)
    {
        if (!CheckedLine.TryOpen(line, out ReadOnlySpan<byte> rest)) return;
        Words words = new(rest);
        if (words.Next(out var word) && Nonces.TryParse(word, out ulong epoch) && words.NextNumber(out long number))
        {
            (Epoch, Number) = (epoch, number);
        }
    }

    [LoggerMessage(4080, LogLevel.Warning,
        "which purges were applied is not remembered, so they are applied again after a restart: {Reason}")]
    private partial void LogTrouble(string reason);
}
