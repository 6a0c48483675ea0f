using System.Security.Cryptography;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Keys;

/// <summary>The file that holds the keys of this process, read again when it changes.</summary>
/// <remarks>One that cannot be used is refused at the start; later the keys before stay, and the log says
/// why.</remarks>
internal sealed partial class KeyFile : IDisposable
{
    private const long MostWatched = 1 << 20;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly KeyChoice _choice;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private WatchedFile _file;
    private bool _wasOpenToOthers;

    private KeyFile(KeyChoice choice, string path, AuthMode mode, TimeProvider time, ILogger logger)
    {
        (_choice, _logger, _file) = (choice, logger, new WatchedFile(path, MostWatched));
        Credentials = Credentials.Of(mode, Read()!, RandomNumberGenerator.Fill);
        LogRead(path, Show(Credentials.Keys!));
        _timer = time.CreateTimer(_ => Look(), null, Interval, Interval);
    }

    /// <summary>The keys of this moment.</summary>
    public Credentials Credentials { get; }

    /// <summary>Reads the file that was chosen; null when none was, or no proof is wanted.</summary>
    /// <exception cref="UnusableKeyFileException">It cannot be used, or proof is wanted and there is no
    /// file.</exception>
    public static KeyFile? Open(KeyChoice choice, TimeProvider time, ILogger logger)
    {
        if (choice.Mode == AuthMode.Off) return null;
        if (choice.Path is { } path) return new KeyFile(choice, path, choice.Mode ?? AuthMode.Required, time, logger);
        if (choice.Mode is not { } mode) return null;
        throw new UnusableKeyFileException($"--auth {mode.ToString().ToLowerInvariant()} needs a key: make one with "
            + "'microcdn key new' and name it with --key-file");
    }

    /// <summary>Reads the keys of a file once, for a verb that ends soon.</summary>
    /// <exception cref="UnusableKeyFileException">It cannot be used.</exception>
    public static Keyring Load(KeyChoice choice) => Load(choice, new WatchedFile(choice.Path!, MostWatched))!;

    /// <summary>Who somebody at a terminal is, by a key file; null without one.</summary>
    /// <remarks>The cluster key proves any operator; a key of its own names the one it is for.</remarks>
    /// <exception cref="UnusableKeyFileException">It cannot be used, or is no operator's.</exception>
    public static Identity? Operator(KeyChoice choice)
    {
        if (choice.Path is null) return null;
        Keyring keys = Load(choice);
        ServerId.TryCreate("operator", out ServerId id);
        if (keys.First is ServerKey own)
        {
            if (own.Role != PeerRole.Operator)
            {
                throw new UnusableKeyFileException($"'{choice.Path}' holds the {own}; this wants an operator's key");
            }
            id = own.Server;
        }
        return Credentials.Of(AuthMode.Required, keys, RandomNumberGenerator.Fill).As(PeerRole.Operator, id);
    }

    /// <summary>Writes a key file that only its owner can read; one that is there is never replaced.</summary>
    /// <exception cref="UnusableKeyFileException">It cannot be written, or something has its name.</exception>
    public static void Write(string path, Keyring keys) => WriteText(path, keys.ToText());

    /// <summary>The same for any text.</summary>
    public static void WriteText(string path, string content)
    {
        if (Path.Exists(path))
        {
            throw new UnusableKeyFileException($"'{path}' exists and is left as it is: a key that is overwritten is "
                + "gone; name another file with --out, or move it away");
        }
        byte[] text = System.Text.Encoding.UTF8.GetBytes(content);
        try
        {
            using AtomicFile file = AtomicFile.CreatePrivate(path);
            file.Write(text);
            file.Commit();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UnusableKeyFileException($"'{path}' cannot be written: {exception.Message.TrimEnd('.')}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    /// <summary>Looks whether the file changed, and takes its keys.</summary>
    internal void Look()
    {
        // A file keeps its state when its mode is put right: what was refused for that is looked at anew.
        if (_wasOpenToOthers) _file = new WatchedFile(_file.Path, MostWatched);
        bool saidBefore = _wasOpenToOthers;
        try
        {
            if (Read() is not { } keys) return;
            Credentials.Replace(keys);
            LogRead(_file.Path, Show(keys));
        }
        catch (UnusableKeyFileException exception)
        {
            if (!saidBefore || !_wasOpenToOthers) LogKept(exception.Message);
        }
    }

    private Keyring? Read()
    {
        _wasOpenToOthers = false;
        try
        {
            return Load(_choice, _file);
        }
        catch (OpenToOthersException)
        {
            _wasOpenToOthers = true;
            throw;
        }
    }

    // Null when the file is the one that was read before.
    private static Keyring? Load(KeyChoice choice, WatchedFile file)
    {
        byte[] text = new byte[Keyring.FileBytes + 1];
        try
        {
            using Stream? stream = file.OpenIfChanged();
            if (stream is null) return null;
            if (SecretFile.IsOpenToOthers((FileStream)stream, choice.IsCredential))
                throw new OpenToOthersException(SecretFile.OpenToOthers(file.Path).Message);
            int length = stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
            string? wrong = $"it has more than {Keyring.FileBytes} bytes";
            return (length > Keyring.FileBytes ? null : Keyring.Read(text.AsSpan(0, length), out wrong))
                ?? throw new UnusableKeyFileException($"the key file '{file.Path}' cannot be used: {wrong}");
        }
        catch (IOException exception)
        {
            throw new UnusableKeyFileException(
                $"the key file '{file.Path}' cannot be read: {exception.Message.TrimEnd('.')}");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }

    private static string Show(Keyring keys) => keys.Keys.Count == 1 ? $"{keys.First}"
        : $"{keys.First} proves, {keys.Keys[1]} is taken too";

    [LoggerMessage(7010, LogLevel.Information, "the key file {File} was read: {Keys}")]
    private partial void LogRead(string file, string keys);

    [LoggerMessage(7011, LogLevel.Warning, "the keys before stay in use: {Reason}")]
    private partial void LogKept(string reason);

    private sealed class OpenToOthersException(string message) : UnusableKeyFileException(message);
}

/// <summary>Which key file a process uses, and what it asks of others.</summary>
/// <param name="Path">The file; null for none.</param>
/// <param name="IsCredential">True when systemd put it there.</param>
/// <param name="Mode">What was said by --auth; null for required where there is a file, else off.</param>
internal sealed record KeyChoice(string? Path, bool IsCredential, AuthMode? Mode);

/// <summary>The key file cannot be used; the message says what to do.</summary>
internal class UnusableKeyFileException(string message) : Exception(message);
