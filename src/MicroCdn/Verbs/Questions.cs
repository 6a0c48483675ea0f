using MicroCdn.Client;
using MicroCdn.Keys;

namespace MicroCdn.Verbs;

/// <summary>Runs a verb that only asks: failures become one sentence and an exit code.</summary>
internal static class Questions
{
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
