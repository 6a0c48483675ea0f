using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn;

/// <summary>The folder that a content server keeps its own state in; it is never served.</summary>
internal static class StateFolder
{
    /// <summary>Where everything goes when no folder is named: the user's data folder (XDG Base Directory
    /// Specification).</summary>
    // Not verified: one that is missing is made, and never replaced by a folder that strangers may write.
    public static string OfUser => Path.Combine(Environment.GetFolderPath(
        Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "microcdn");

    /// <summary>The folder of an index that is told none.</summary>
    public static string OfIndex => Path.Combine(OfUser, "index");

    /// <summary>The folder of a monitor that is told none, by its line port: a machine may run several.</summary>
    public static string OfMonitor(int port) => Path.Combine(OfUser, "monitor", $"{port}");

    /// <summary>The folder of a cache that is told none and has no id, by its port.</summary>
    public static string OfCache(int port) => Path.Combine(OfUser, "cache", $"{port}");

    /// <summary>The folder for copies of origins.</summary>
    public static string CopiesOf(string state) => Path.Combine(state, "cache");

    /// <summary>The folder that is served where none is named: it stays empty.</summary>
    public static string NoFilesOf(string state) => Path.Combine(state, "files");

    /// <summary>The folder of one content server of several.</summary>
    public static string Of(string folder, ServerId id) => Path.Combine(folder, "content", NameOf(id));

    /// <summary>The folder for compressed forms.</summary>
    public static string VariantsOf(string state) => Path.Combine(state, "variants");

    /// <summary>True when the state would lie inside the folder that is served, links considered.</summary>
    public static bool IsServed(string state, string files) =>
        Directory.Exists(files) && new ServedFolder(files).Holds(RealPath(state));

    /// <summary>Makes the folder and what belongs into it, where it does not exist; one sentence when it must not or
    /// cannot be made, else null.</summary>
    public static string? Make(string state, params string[] served)
    {
        if (Array.Exists(served, files => IsServed(state, files)))
        {
            return $"the state in '{state}' lies inside the folder that is served: choose another with --data.";
        }
        try
        {
            AtomicFile.MakeFolder(VariantsOf(state));
            if (served.Contains(NoFilesOf(state))) AtomicFile.MakeFolder(NoFilesOf(state));
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"the folder '{state}' for the state cannot be made, choose another with --data: "
                + exception.Message;
        }
    }

    // An id may hold slashes, or be two dots.
    private static string NameOf(ServerId id)
    {
        string name = Uri.EscapeDataString(id.Value);
        return name[0] == '.' ? $"%2E{name[1..]}" : name;
    }

    // What is not there yet will be made where the nearest folder above really lies.
    private static string RealPath(string path)
    {
        string full = Path.GetFullPath(path);
        string? above = Path.GetDirectoryName(full);
        if (Directory.Exists(full)) return new ServedFolder(full).Path;
        return above is null ? full : Path.Combine(RealPath(above), Path.GetFileName(full));
    }
}
