namespace MicroCdn.ClusterTests.Tools;

/// <summary>Where the sources lie that these tests were built from.</summary>
internal static class SourceTree
{
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    private static string Find(string folder) => File.Exists(Path.Combine(folder, "MicroCdn.slnx")) ? folder
        : Find(Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("MicroCdn.slnx is nowhere above."));
}
