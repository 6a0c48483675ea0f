namespace MicroCdn;

/// <summary>What whoever sits at the terminal wants of what is drawn there.</summary>
internal static class TerminalWishes
{
    /// <summary>Whether there may be colours (no-color.org: an empty <c>NO_COLOR</c> says nothing).</summary>
    public static bool IsColored => string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>Whether the terminal can only write one line after the other.</summary>
    public static bool IsDumb => Environment.GetEnvironmentVariable("TERM") == "dumb";
}
