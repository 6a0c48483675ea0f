using System.Text;

namespace MicroCdn.Fuzz;

/// <summary>One parser, or one side of a conversation, that must take any bytes.</summary>
/// <param name="name">What it is called on the command line, and its file in the corpus.</param>
/// <param name="run">Takes an input; throws when something that must hold does not.</param>
/// <param name="seeds">Sound inputs to begin with; their words are what mutations put in.</param>
internal sealed class Target(string name, Action<byte[]> run, params string[] seeds)
{
    public string Name => name;

    public IEnumerable<byte[]> Seeds => seeds.Select(Encoding.UTF8.GetBytes);

    public byte[][] Words { get; } =
        [.. seeds.SelectMany(seed => seed.Split([' ', '\n', '\r', ';', ',', '=', ':', '/'])).Concat([" ", "\r\n", "\n"])
            .Where(word => word.Length > 0).Distinct().Select(Encoding.UTF8.GetBytes)];

    public void Run(byte[] input) => run(input);
}

/// <summary>Something that must hold for every input does not.</summary>
internal sealed class BrokenException(string message) : Exception(message)
{
    public static void Unless(bool holds, string message)
    {
        if (!holds) throw new BrokenException(message);
    }
}
