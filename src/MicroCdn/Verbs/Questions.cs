using MicroCdn.Client;
using MicroCdn.Keys;

namespace MicroCdn.Verbs;

/// <summary>Runs a verb that only asks: failures become one sentence and an exit code.</summary>
internal static class Questions
{
    /// <summary>Says something to people, beside the answer.</summary>
    public static void Say(string sentence) => Console.Error.WriteLine($"microcdn: {Table.Plain(sentence)}");

    public static async Task<int> AskAsync(Func<CancellationToken, Task<int>> ask)
    {
        using Interruption interruption = new();
        try
        {
            return await ask(interruption.Token);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
        catch (UnusableKeyFileException exception)
        {
            Say(exception.Message);
            return ExitCode.Usage;
        }
        catch (CdnException exception)
        {
            Say(exception.Message);
            return ExitCode.Unreachable;
        }
    }
}
