using MicroCdn.Client;

namespace MicroCdn;

/// <summary>What the process tells the shell; the README shows the same rows.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>Something that no other row names, such as a target that may not be written.</summary>
    public const int Failed = 1;

    /// <summary>The command line, the settings file, a port or a folder is not usable.</summary>
    public const int Usage = 2;

    /// <summary>No live server has the file.</summary>
    public const int NotFound = 3;

    /// <summary>The index, or every server that it named, did not answer.</summary>
    public const int Unreachable = 4;

    /// <summary>No server has the right bytes.</summary>
    public const int WrongBytes = 5;

    /// <summary>No room is left on the disk.</summary>
    public const int DiskFull = 6;

    /// <summary>Of several some failed, or not all for the same reason.</summary>
    public const int Partial = 7;

    /// <summary>Ctrl-C.</summary>
    public const int Interrupted = 130;

    /// <summary>The code of what a client library could not do.</summary>
    public static int Of(CdnFailure failure) => failure switch
    {
        CdnFailure.NotFound => NotFound,
        CdnFailure.WrongBytes => WrongBytes,
        CdnFailure.Refused or CdnFailure.Changed => Failed,
        CdnFailure.NoRoom => DiskFull,
        _ => Unreachable,
    };
}
