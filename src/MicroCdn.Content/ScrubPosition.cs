using System.Buffers;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Content;

/// <summary>How far the reading of the whole library has come, remembered across restarts: a server that is started
/// every day still reaches its last file.</summary>
/// <remarks>One line, <c>check part unix_seconds</c> (<see cref="CheckedLine"/>): the next part to be read, and when
/// the pass begins or began. It goes by the wall clock, since a week outlives the process.</remarks>
internal sealed class ScrubPosition(string? state, ServedFolder served, StoreHealth health)
{
    /// <summary>Into how many parts of about the same size the files fall, by their names.</summary>
    public const int Parts = 256;

    private readonly LineFile? _file = state is null || served.Holds(state)
        ? null : new LineFile(Path.Combine(state, "scrub"), health);

    /// <summary>The next part.</summary>
    public int Part { get; private set; }

    /// <summary>When this pass begins, or began; null when nothing is remembered.</summary>
    public DateTimeOffset? Begins { get; private set; }

    /// <summary>The part that a file falls into.</summary>
    public static int PartOf(ReadOnlySpan<byte> name)
    {
        // FNV-1a: the same in every process, and no library of the same program needs more.
        uint hash = 2166136261;
        foreach (byte value in name) hash = (hash ^ value) * 16777619;
        return (int)((hash ^ (hash >> 16)) % Parts);
    }

    /// <summary>Takes over what an earlier process wrote; nothing when it cannot be read.</summary>
    public void Recall()
    {
        try
        {
            _file?.Read(line =>
            {
                if (!CheckedLine.TryOpen(line, out ReadOnlySpan<byte> rest)) return;
                Words words = new(rest);
                if (!(words.NextNumber(out long part) & words.NextNumber(out long seconds)) || !words.AtEnd) return;
                if (part > Parts || seconds > Limits.UnixSeconds) return;
                (Part, Begins) = ((int)part, DateTimeOffset.FromUnixTimeSeconds(seconds));
            });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Then the pass begins at its first part.
        }
    }

    /// <summary>Writes the position down; nothing is lost but time when it cannot be written.</summary>
    public void Set(int part, DateTimeOffset begins)
    {
        (Part, Begins) = (part, begins);
        if (_file is null) return;
        ArrayBufferWriter<byte> words = new(), line = new();
        words.WriteText($"{part} {begins.ToUnixTimeSeconds()}");
        CheckedLine.Write(words.WrittenSpan, line);
        try
        {
            _file.Replace(line.WrittenSpan);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A read-only store has said so.
        }
    }
}
