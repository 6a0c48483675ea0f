using System.Text.Json;

namespace MicroCdn;

/// <summary>What a verb did: sentences for people, or for scripts a JSON object in one line.</summary>
/// <param name="isJson">Whether a script reads it.</param>
internal readonly struct VerbAnswer(bool isJson)
{
    private static readonly JsonWriterOptions OneLine = Table.Json with { Indented = false };

    /// <summary>Prints it.</summary>
    /// <param name="sentence">For people.</param>
    /// <param name="facts">For scripts: texts, whole numbers, on and off, and lists of texts.</param>
    /// <returns>The exit code: without its answer a verb has failed.</returns>
    public int Print(string sentence, params (string Key, object? Value)[] facts) => Print([sentence], facts);

    /// <summary>Prints it.</summary>
    /// <param name="sentences">For people, a line each.</param>
    /// <param name="facts">As above.</param>
    /// <returns>As above.</returns>
    public int Print(IEnumerable<string> sentences, params (string Key, object? Value)[] facts)
    {
        bool isForScripts = isJson;
        return Messages.Print(() =>
        {
            if (isForScripts) Write(facts);
            else foreach (string sentence in sentences) Messages.Line(sentence);
        });
    }

    /// <summary>Prints a list: a line for each, or an object in a line for each.</summary>
    /// <returns>As above.</returns>
    public int PrintList<T>(
        IEnumerable<T> items, Func<T, string> sentence, Func<T, (string Key, object? Value)[]> facts)
    {
        bool isForScripts = isJson;
        return Messages.Print(() =>
        {
            foreach (T item in items)
            {
                if (isForScripts) Write(facts(item));
                else Messages.Line(sentence(item));
            }
        });
    }

    private static void Write((string Key, object? Value)[] facts)
    {
        using Stream output = Console.OpenStandardOutput();
        using Utf8JsonWriter writer = new(output, OneLine);
        writer.WriteStartObject();
        foreach ((string key, object? value) in facts) Write(writer, key, value);
        writer.WriteEndObject();
        writer.Flush();
        output.WriteByte((byte)'\n');
    }

    private static void Write(Utf8JsonWriter writer, string key, object? value)
    {
        switch (value)
        {
            case null:
                writer.WriteNull(key);
                break;
            case bool on:
                writer.WriteBoolean(key, on);
                break;
            case long number:
                writer.WriteNumber(key, number);
                break;
            case int number:
                writer.WriteNumber(key, number);
                break;
            case IEnumerable<string> texts:
                writer.WriteStartArray(key);
                foreach (string text in texts) writer.WriteStringValue(text);
                writer.WriteEndArray();
                break;
            default:
                writer.WriteString(key, value.ToString());
                break;
        }
    }
}
