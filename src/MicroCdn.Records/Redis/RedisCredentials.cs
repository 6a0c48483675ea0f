namespace MicroCdn.Records.Redis;

/// <summary>What proves us to Redis, and it to us; it never appears in a log.</summary>
/// <param name="Password">The user's password, or null.</param>
/// <param name="AuthorityFile">A file with the certificate of who signed that of Redis, or null for those that the
/// system trusts.</param>
public sealed record RedisCredentials(string? Password, string? AuthorityFile)
{
    private const int MostBytes = 1024;

    /// <summary>Reads a password from a file: its first line.</summary>
    /// <exception cref="RecordStoreException">It cannot be read, others may read it, or it holds none.</exception>
    public static string ReadPassword(string path)
    {
        const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if ((File.GetUnixFileMode(file.SafeFileHandle) & Others) != 0)
            {
                throw new RecordStoreException($"{path} holds a password, and everyone may read it: chmod o-rw {path}");
            }
            if (file.Length > MostBytes) throw new RecordStoreException($"{path} is larger than a password can be");
            using StreamReader reader = new(file);
            return reader.ReadLine() is { Length: > 0 } line ? line
                : throw new RecordStoreException($"the first line of {path} is no password: it is empty");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RecordStoreException($"the password cannot be read from {path}: {exception.Message}", exception);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => "credentials";
}
