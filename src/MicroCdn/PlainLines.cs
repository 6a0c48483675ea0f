using System.Text;

namespace MicroCdn;

/// <summary>Lines of which a terminal obeys nothing, whoever said what is in them.</summary>
internal sealed class PlainLines(TextWriter output) : IDisposable
{
    // With a buffer: a million rows are not a million writes.
    private const int BufferBytes = 64 * 1024;

    /// <summary>To standard output.</summary>
    public PlainLines() : this(new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false), BufferBytes))
    {
    }

    /// <summary>Writes a line.</summary>
    public void WriteLine(string line = "") => output.WriteLine(Table.Plain(line));

    /// <inheritdoc/>
    public void Dispose() => output.Dispose();
}
