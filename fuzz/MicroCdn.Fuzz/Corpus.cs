namespace MicroCdn.Fuzz;

/// <summary>The inputs of one target that each reached something new, kept in the repository from run to run.</summary>
/// <remarks>One file for each target, an input a line, in base64: the bytes are not text.</remarks>
internal sealed class Corpus
{
    // What is kept must stay small enough to read at each start.
    private const int MostKept = 400;
    private const int MostKeptBytes = 2048;

    private readonly string _path;

    public Corpus(string folder, Target target)
    {
        _path = Path.Combine(folder, target.Name + ".txt");
        Inputs.AddRange(target.Seeds);
        if (File.Exists(_path)) Inputs.AddRange(File.ReadLines(_path).Select(Convert.FromBase64String));
    }

    /// <summary>All inputs, the seeds first.</summary>
    public List<byte[]> Inputs { get; } = [];

    /// <summary>Writes down those that are worth keeping; the shortest first.</summary>
    public void Keep(IEnumerable<byte[]> inputs) => File.WriteAllLines(_path,
        inputs.Where(input => input.Length <= MostKeptBytes).OrderBy(input => input.Length).Take(MostKept)
            .Select(Convert.ToBase64String));
}
