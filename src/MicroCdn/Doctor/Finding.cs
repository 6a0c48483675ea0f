using System.Text.Json.Serialization;

namespace MicroCdn.Doctor;

/// <summary>How a check ended.</summary>
internal enum Verdict
{
    /// <summary>Nothing is wrong.</summary>
    Ok,

    /// <summary>Somebody should look.</summary>
    Warning,

    /// <summary>Something does not work.</summary>
    Error,
}

/// <summary>What one check found.</summary>
/// <param name="Verdict">How it ended.</param>
/// <param name="About">What was checked: <c>index</c>, <c>admin</c>, <c>monitor</c>, <c>server</c>, <c>clock</c>,
/// <c>certificate</c>, <c>disk</c>, <c>limit</c>, or a concern's kind.</param>
/// <param name="Text">One sentence.</param>
/// <param name="Mend">A command, or what to do, that mends it; empty when nothing is wrong.</param>
internal sealed record Finding([property: JsonIgnore] Verdict Verdict, string About, string Text, string Mend = "")
{
    /// <summary>The verdict as a word.</summary>
    public string Level => Verdict.ToString().ToLowerInvariant();
}
