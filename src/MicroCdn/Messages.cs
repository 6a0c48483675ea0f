namespace MicroCdn;

/// <summary>What is said to people on standard error, beside the answer.</summary>
internal static class Messages
{
    private static readonly Lock Turn = new();

    /// <summary>Says one sentence.</summary>
    public static void Say(string sentence) => Write($"microcdn: {Table.Plain(sentence)}");

    /// <summary>Writes one line.</summary>
    public static void Write(string line)
    {
        try
        {
            lock (Turn) Console.Error.WriteLine(line);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Standard error is closed, or goes to a full disk: what nobody can read must not change what is done.
        }
    }

    /// <summary>Writes the answer itself to standard output.</summary>
    /// <returns>The exit code: without its answer a verb has failed.</returns>
    public static int Print(Action write)
    {
        try
        {
            lock (Turn) write();
            return ExitCode.Done;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Say($"standard output cannot be written: {exception.Message}");
            return ExitCode.Failed;
        }
    }
}
