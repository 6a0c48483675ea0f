using System.Diagnostics;
using System.Runtime.Versioning;

[assembly: SupportedOSPlatform("linux")]

namespace MicroCdn.Tests.Support;

/// <summary>A folder for one test, gone with everything in it when the test ends.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("microcdn-test-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file, with the folders above it, whose last change lies an hour back: it has
    /// settled.</summary>
    public string Write(string name, string text)
    {
        string path = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        File.SetLastWriteTimeUtc(path, TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-1));
        return path;
    }

    public void Link(string name, string target) => File.CreateSymbolicLink(this[name], target);

    public void Pipe(string name)
    {
        using Process process = Process.Start("mkfifo", this[name]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    public string[] Names() =>
        [.. Directory.EnumerateFileSystemEntries(Path).Select(p => System.IO.Path.GetFileName(p)).Order()];

    public void Dispose()
    {
        foreach (string folder in Directory.EnumerateDirectories(Path))
        {
            // One that a test made unreadable must be removable.
            if (new DirectoryInfo(folder).LinkTarget is null) File.SetUnixFileMode(folder,
                (UnixFileMode)Convert.ToInt32("755", 8));
        }
        Directory.Delete(Path, recursive: true);
    }
}
