namespace MicroCdn.ClusterTests.Processes;

/// <summary>What is measured on a machine that may be busy with other things, once more where it was too much.</summary>
/// <remarks>What our own program costs or leaves behind it does every time; what somebody else did in the same moment,
/// or what the runtime compiled just then, is not there again. The bound is the same each time.</remarks>
internal static class Measured
{
    /// <summary>Measures until it was within its bound, at most three times.</summary>
    /// <param name="measure">Measures once: null when all was within its bound, else what was not.</param>
    public static Task OnceOfThreeAsync(Func<Task<string?>> measure) => OnceOfAsync(3, measure);

    /// <summary>The same, at most so many times.</summary>
    public static async Task OnceOfAsync(int times, Func<Task<string?>> measure)
    {
        List<string> wrong = [];
        while (wrong.Count < times)
        {
            if (await measure() is not { } what) return;
            wrong.Add(what);
        }
        Assert.Fail($"{times} times one after another:\n{string.Join('\n', wrong)}");
    }

    /// <summary>Waits until something holds; false when it does not within a time.</summary>
    public static async Task<bool> HoldsAsync(TimeSpan limit, Func<bool> holds)
    {
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!holds())
        {
            if (System.Diagnostics.Stopwatch.GetElapsedTime(began) > limit) return false;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }
        return true;
    }
}
