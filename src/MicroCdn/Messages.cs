using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MicroCdn;

/// <summary>What is said to people: the answer on standard output, the rest on standard error.</summary>
/// <remarks>An index or a server may say anything, and a terminal obeys whoever writes to it. So each line goes out by
/// one of these, or by <see cref="PlainLines"/>, and none by the console itself.</remarks>
internal static class Messages
{
    private static readonly Lock Turn = new();

    // A line or two for each name that was typed.
    private static readonly List<Action> Held = [];
    private static bool _isHeld;

    /// <summary>Keeps back what goes to a terminal, until <see cref="Release"/>: what is drawn there would be written
    /// over it.</summary>
    public static void Hold()
    {
        lock (Turn) _isHeld = true;
    }

    /// <summary>Says what was kept back.</summary>
    public static void Release()
    {
        lock (Turn)
        {
            _isHeld = false;
            foreach (Action say in Held) say();
            Held.Clear();
        }
    }

    /// <summary>Says one sentence.</summary>
    public static void Say(string sentence) => Write($"microcdn: {sentence}");

    /// <summary>Writes one line, in which a terminal obeys nothing.</summary>
    public static void Write(string line)
    {
        lock (Turn)
        {
            if (_isHeld) Held.Add(() => WriteNow(line));
            else WriteNow(line);
        }
    }

    private static void WriteNow(string line)
    {
        try
        {
            Console.Error.WriteLine(Table.Plain(line));
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
        lock (Turn)
        {
            if (!_isHeld || Console.IsOutputRedirected) return PrintNow(write);
            Held.Add(() => PrintNow(write));
            return ExitCode.Done;
        }
    }

    private static int PrintNow(Action write)
    {
        try
        {
            write();
            return ExitCode.Done;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Say($"standard output cannot be written: {exception.Message}");
            return ExitCode.Failed;
        }
    }
}
