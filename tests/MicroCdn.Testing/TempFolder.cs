namespace MicroCdn.Testing;

/// <summary>A folder that is gone after the test.</summary>
public sealed class TempFolder : IDisposable
{
    // Long before any fake time begins: a file that was written just now would be left out until it rests.
    private static readonly DateTime Rested = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Where it is.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("microcdn-test-").FullName;

    /// <summary>The path of something in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file that looks as if it had rested for years.</summary>
    public string Write(string name, byte[] bytes)
    {
        string path = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        File.SetLastWriteTimeUtc(path, Rested);
        return path;
    }

    /// <summary>What a file in it holds, or null when there is none.</summary>
    public byte[]? Read(string name) => File.Exists(this[name]) ? File.ReadAllBytes(this[name]) : null;

    /// <summary>Every file in it and below, hidden ones too, as relative paths in order.</summary>
    public IReadOnlyList<string> Files() => [.. Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories)
        .Select(path => System.IO.Path.GetRelativePath(Path, path)).Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
