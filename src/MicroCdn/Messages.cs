using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MicroCdn;

/// <summary>What is said to people: the answer on standard output, the rest on standard error.</summary>
/// <remarks>An index or a server may say anything, and a terminal obeys whoever writes to it. So each line goes out by
/// one of these, or by <see cref="PlainLines"/>, and none by the console itself.</remarks>
internal static class Messages
{
    private static readonly Lock Turn = new();

    /// <summary>Says one sentence.</summary>
    public static void Say(string sentence) => Write($"microcdn: {sentence}");

    /// <summary>Writes one line, in which a terminal obeys nothing.</summary>
    public static void Write(string line)
    {
        try
        {
            lock (Turn) Console.Error.WriteLine(Table.Plain(line));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Standard error is closed, or goes to a full disk: what nobody can read must not change what is done.
        }
    }

    /// <summary>Writes a line of the answer, in which a terminal obeys nothing; within
    /// <see cref="Print(Action)"/>.</summary>
    public static void Line(string line = "") => Console.Out.WriteLine(Table.Plain(line));

    /// <summary>Writes the answer of one line.</summary>
    /// <returns>As the other.</returns>
    public static int Print(string line) => Print(() => Line(line));

    /// <summary>Writes the answer as JSON.</summary>
    /// <returns>As the other.</returns>
    public static int PrintJson<T>(T value, JsonTypeInfo<T> shape) => Print(() =>
    {
        using Stream output = Console.OpenStandardOutput();
        JsonSerializer.Serialize(output, value, shape);
        output.WriteByte((byte)'\n');
    });

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
