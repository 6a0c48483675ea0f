namespace MicroCdn.Gateway.Notify;

/// <summary>How long somebody is left alone who could not be told.</summary>
internal static class Backoff
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromMinutes(5);

    /// <summary>The pause after so many failures in a row: it doubles, from 1 s up to 5 min.</summary>
    public static TimeSpan After(int failures) =>
        failures > 9 ? Longest : TimeSpan.FromTicks(Math.Min(Longest.Ticks, First.Ticks << (failures - 1)));
}
