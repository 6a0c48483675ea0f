namespace MicroCdn.ClusterTests.Tools;

/// <summary>A document whose commands somebody pastes into a shell.</summary>
internal static class Document
{
    /// <summary>The commands of its fenced blocks, without a prompt before them; a line that ends with a backslash goes
    /// on in the next.</summary>
    /// <param name="document">Its path in the repository.</param>
    /// <param name="elsewhere">What asks somebody who is not here: a command with one of these words is left
    /// out.</param>
    /// <param name="language">What the fence has to say, such as <c>sh</c>; null for any block.</param>
    public static string[] CommandsOf(string document, string[] elsewhere, string? language = null)
    {
        List<string> commands = [];
        bool isInside = false;
        string command = "";
        foreach (string line in File.ReadLines(Path.Combine(SourceTree.Root, document)))
        {
            bool isFence = line.StartsWith("```", StringComparison.Ordinal);
            if (isFence) isInside = !isInside && (language is null || line == $"```{language}");
            if (isFence || !isInside) continue;
            command += command.Length == 0 && line.StartsWith("$ ", StringComparison.Ordinal) ? line[2..] : line;
            if (command.EndsWith('\\'))
            {
                command += "\n";
                continue;
            }
            bool isElsewhere = Array.Exists(elsewhere, word => command.Contains(word, StringComparison.Ordinal));
            if (command.Length > 0 && !isElsewhere) commands.Add(command);
            command = "";
        }
        return [.. commands];
    }
}
