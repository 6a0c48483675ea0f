namespace MicroCdn.Tests.HouseRules;

/// <summary>The files of this repository, as the house rules read them.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot(AppContext.BaseDirectory);

    /// <summary>Every C# file that somebody wrote, by its path from the root.</summary>
    public static IEnumerable<string> Sources(params string[] folders) => folders
        .Select(folder => Path.Combine(Root, folder)).Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
        .Select(path => Path.GetRelativePath(Root, path))
        .Where(path => !path.Split('/').Any(part => part is "obj" or "bin" or "artifacts")).Order();

    public static string[] Lines(string path) => File.ReadAllLines(Path.Combine(Root, path));

    public static string Text(string path) => File.ReadAllText(Path.Combine(Root, path));

    public static bool Has(string path) => Path.Exists(Path.Combine(Root, path));

    private static string FindRoot(string folder) => File.Exists(Path.Combine(folder, "MicroCdn.slnx")) ? folder
        : FindRoot(Path.GetDirectoryName(folder)
            ?? throw new DirectoryNotFoundException("MicroCdn.slnx is nowhere above."));
}
