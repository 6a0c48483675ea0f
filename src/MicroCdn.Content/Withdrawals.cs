using System.Buffers;
using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>Remembers, also across restarts, which files of the folder have rotted, so that they are not served until
/// somebody replaces them.</summary>
/// <remarks>A file goes by name, size, time and inode: one that was written anew is another. Each line of the file says
/// so as <c>check size time inode name</c> (<see cref="CheckedLine"/>). There are no more of them than files.</remarks>
internal sealed partial class Withdrawals
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, FileFacts> _files = [];
    private readonly LineFile? _file;
    private readonly ILogger _logger;
    private int _changes;

    /// <summary>Takes the folder of this server's state; null to forget at the end.</summary>
    public Withdrawals(string? state, ServedFolder served, StoreHealth health, ILogger logger)
    {
        _logger = logger;
        if (state is not null && !served.Holds(state)) _file = new LineFile(Path.Combine(state, "withdrawn"), health);
    }

    /// <summary>Grows whenever something is withdrawn.</summary>
    public int Changes => Volatile.Read(ref _changes);

    /// <summary>How many are withdrawn.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _files.Count;
        }
    }

    /// <summary>True for a file that is withdrawn and still the same.</summary>
    public bool Holds(FileName name, FileFacts facts)
    {
        lock (_lock)
        {
            if (_files.Count == 0 || !_files.TryGetValue(name.Value, out FileFacts known)) return false;
            if (known == facts) return true;
            // Somebody wrote it anew. What the file says of the old one fits nothing any more.
            _files.Remove(name.Value);
        }
        LogReplaced(name);
        return false;
    }

    /// <summary>Withdraws files, and writes that down.</summary>
    public void Add(IReadOnlyList<(FileName Name, FileFacts Facts)> files)
    {
        ArrayBufferWriter<byte> lines = new();
        lock (_lock)
        {
            foreach ((FileName name, FileFacts facts) in files) _files[name.Value] = facts;
            foreach ((string name, FileFacts facts) in _files) Write(name, facts, lines);
            _changes++;
        }
        if (_file is null) return;
        try
        {
            _file.Replace(lines.WrittenSpan);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogNotRemembered(_file.Path, exception.Message);
        }
    }

    /// <summary>Takes over what an earlier process withdrew.</summary>
    public void Recall()
    {
        try
        {
            _file?.Read(line =>
            {
                if (TryRead(line, out FileName name, out FileFacts facts)) _files[name.Value] = facts;
            });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogNotRead(_file!.Path, exception.Message);
        }
        foreach (string name in _files.Keys) LogStill(name);
    }

    private static void Write(string name, FileFacts facts, ArrayBufferWriter<byte> lines)
    {
        ArrayBufferWriter<byte> words = new(64);
        words.WriteNumber(facts.Size);
        words.Write(" "u8);
        words.WriteText($"{facts.Modified} {facts.Inode} ");
        PercentText.Encode(Encoding.UTF8.GetBytes(name), words);
        CheckedLine.Write(words.WrittenSpan, lines);
    }

    private static bool TryRead(ReadOnlySpan<byte> line, out FileName name, out FileFacts facts)
    {
        (name, facts) = (default, default);
        if (!CheckedLine.TryOpen(line, out ReadOnlySpan<byte> rest)) return false;
        Words words = new(rest);
        if (!(words.NextNumber(out long size) & words.Next(out var modified) & words.Next(out var inode)
            & words.Next(out var word)) || !words.AtEnd) return false;
        // Times may lie before 1970, and inodes have 64 bits.
        if (!long.TryParse(modified, out long nanoseconds) || !ulong.TryParse(inode, out ulong number)) return false;
        Span<byte> decoded = stackalloc byte[LineFile.LineBytes];
        facts = new FileFacts(size, nanoseconds, number);
        return FileName.TryCreate(decoded[..PercentText.Decode(word, decoded)], out name);
    }

    [LoggerMessage(4050, LogLevel.Information, "'{Name}' was written anew and is offered again")]
    private partial void LogReplaced(FileName name);

    [LoggerMessage(4051, LogLevel.Error,
        "'{Name}' rotted and is not offered until it is replaced by a good copy")]
    private partial void LogStill(string name);

    [LoggerMessage(4052, LogLevel.Error,
        "the withdrawn files cannot be written down in '{File}', so a restart would offer them again: {Reason}")]
    private partial void LogNotRemembered(string file, string reason);

    [LoggerMessage(4053, LogLevel.Error, "the withdrawn files cannot be read from '{File}': {Reason}")]
    private partial void LogNotRead(string file, string reason);
}
