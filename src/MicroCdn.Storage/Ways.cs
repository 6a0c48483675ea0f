using System.Runtime.Versioning;

namespace MicroCdn.Storage;

/// <summary>Which system's ways files are handled in: those of the system that this runs on.</summary>
/// <remarks>The client library runs on three systems, and its tests on one. A test may play another system here: then
/// no call of libc is made, which the platform analyzer proves for everything that asks <see cref="HasLibc"/>
/// first.</remarks>
internal static class Ways
{
    // Each flow of work has its own: other tests run beside it.
    private static readonly AsyncLocal<OtherSystem?> Played = new();

    /// <summary>True where the calls of <see cref="Libc"/> may be made.</summary>
    [SupportedOSPlatformGuard("linux")]
    public static bool HasLibc => OperatingSystem.IsLinux() && Played.Value is null;

    /// <summary>True on Windows, which renames and deletes no open file and has names of its own.</summary>
    public static bool AreOfWindows => Played.Value is { } played
        ? played == OtherSystem.Windows : OperatingSystem.IsWindows();

    /// <summary>Plays another system in what the caller does from now on.</summary>
    internal static void Play(OtherSystem system) => Played.Value = system;
}

/// <summary>A system that the tests do not run on.</summary>
internal enum OtherSystem
{
    /// <summary>Windows.</summary>
    Windows,

    /// <summary>macOS.</summary>
    MacOS,
}
