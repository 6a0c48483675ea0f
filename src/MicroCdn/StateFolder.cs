using MicroCdn.Protocol;

namespace MicroCdn;

/// <summary>Says in which folder a content server keeps what it remembers across restarts.</summary>
internal static class StateFolder
{
    /// <summary>The folder of one server id below <c>--data</c>, or below the user's data folder; null when there is
    /// neither, since a folder that others may write would let them choose our digests.</summary>
    public static string? Of(string? data, ServerId id)
    {
        string user = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        string? home = data ?? (user.Length > 0 ? Path.Combine(user, "microcdn") : null);
        // An id is any word, and may hold what means something in a path; behind the dash even ".." is a name.
        return home is null ? null : Path.GetFullPath(Path.Combine(home, $"content-{Uri.EscapeDataString(id.Value)}"));
    }
}
