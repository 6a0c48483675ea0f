using System.Reflection;

namespace MicroCdn;

/// <summary>Which version this program is.</summary>
internal static class ProgramVersion
{
    /// <summary>The version, without the commit.</summary>
    public static string Text { get; } = typeof(ProgramVersion).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
}
