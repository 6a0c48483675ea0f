namespace MicroCdn.Keys;

/// <summary>A file that holds a secret: nobody but its owner may read it.</summary>
internal static class SecretFile
{
    private const UnixFileMode Others =
        UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
    private const UnixFileMode Group =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;

    /// <summary>The path of a credential that systemd hands over (LoadCredential=), or null.</summary>
    public static string? Credential(string name)
    {
        string? folder = Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY");
        string path = string.IsNullOrEmpty(folder) ? "" : Path.Combine(folder, name);
        return path.Length > 0 && Path.Exists(path) ? path : null;
    }

    /// <summary>Whether a file that stands open may be read by others than its owner.</summary>
    /// <param name="file">The file that was opened, so that nobody can exchange it between the look and the
    /// reading.</param>
    /// <param name="isCredential">True when systemd put it there, which lets the service's user in by an access list,
    /// whose mask shows as the group's bits.</param>
    public static bool IsOpenToOthers(FileStream file, bool isCredential) => !OperatingSystem.IsWindows()
        && (File.GetUnixFileMode(file.SafeFileHandle) & (isCredential ? Others : Others | Group)) != 0;

    /// <summary>Reads a file of text.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isCredential">As above.</param>
    /// <param name="most">The most bytes it may have.</param>
    /// <exception cref="UnusableKeyFileException">It cannot be read, or others can read it too.</exception>
    public static string Read(string path, bool isCredential, int most)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            if (IsOpenToOthers(file, isCredential)) throw OpenToOthers(path);
            byte[] text = new byte[most + 1];
            int length = file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
            return length <= most ? System.Text.Encoding.UTF8.GetString(text, 0, length)
                : throw new UnusableKeyFileException($"the key file '{path}' has more than {most} bytes");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UnusableKeyFileException(
                $"the key file '{path}' cannot be read: {exception.Message.TrimEnd('.')}");
        }
    }

    /// <summary>What is said of a file that others can read.</summary>
    public static UnusableKeyFileException OpenToOthers(string path) =>
        new($"the key file '{path}' is open to others than its owner: chmod 600 {path}");
}
