using MicroCdn.Client;
using MicroCdn.Keys;

namespace MicroCdn.Verbs;

/// <summary>Runs a verb that asks others: failures become one sentence and an exit code, and Ctrl-C ends it at
/// once.</summary>
internal static class Questions
{
    // It is over much sooner, but where something hangs that heeds no cancellation.
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    /// <summary>Runs a verb.</summary>
    /// <param name="ask">The verb.</param>
    /// <param name="left">What is there, and how to go on, when it was interrupted; null where there is nothing to say.
    /// Called while the verb may still be ending.</param>
    /// <param name="moment">How long what is under way may put things in order then; null where all that stays is as
    /// sound without it.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> AskAsync(Func<CancellationToken, Task<int>> ask,
        Func<IEnumerable<string>>? left = null, TimeSpan? moment = null)
    {
        using Interruption interruption = new();
        // Aside: what computes, or waits for a disk, does not hold up who leaves.
        Task<int> asked = Task.Run(() => TryAsync(ask, interruption.Token), CancellationToken.None);
        int code = await await Task.WhenAny(asked, interruption.EndAsync(moment ?? Moment));
        if (code != ExitCode.Interrupted) return code;
        Messages.Release();
        foreach (string sentence in left?.Invoke() ?? []) Messages.Say(sentence);
        return code;
    }

    private static async Task<int> TryAsync(Func<CancellationToken, Task<int>> ask, CancellationToken token)
    {
        try
        {
            return await ask(token);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
        catch (UnusableKeyFileException exception)
        {
            Messages.Say(exception.Message);
            return ExitCode.Usage;
        }
        catch (CdnException exception)
        {
            Messages.Say(exception.Message);
            return ExitCode.Of(exception.Failure);
        }
    }
}
