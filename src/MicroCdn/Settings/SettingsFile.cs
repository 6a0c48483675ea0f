using System.CommandLine;
using System.Text;
using System.Text.Json;
using MicroCdn.Protocol;

namespace MicroCdn.Settings;

/// <summary>A settings file: keys for every verb, and a section for each verb.</summary>
/// <remarks>
/// It only says in JSON what flags say: each value becomes words of a command line, and the flag's own parser reads
/// them. Every key is checked, those of other verbs too, so that a mistake is found by whoever starts first.
/// </remarks>
internal sealed class SettingsFile
{
    /// <summary>The largest file that is read.</summary>
    public const int MostBytes = 1 << 20;

    // A file, a section, a list or an object in it: three.
    private const int MostDepth = 8;

    private readonly string _path;
    private readonly IReadOnlyList<Command> _verbs;
    private readonly Dictionary<string, JsonElement> _top;
    private readonly Dictionary<string, Dictionary<string, JsonElement>> _sections = [];

    /// <summary>Reads a file's text and checks its keys.</summary>
    /// <exception cref="SettingsException">It is no JSON, or holds a key that no verb knows.</exception>
    public SettingsFile(string path, ReadOnlyMemory<byte> text, IReadOnlyList<Command> verbs)
    {
        (_path, _verbs) = (path, verbs);
        _top = Members(Parse(text), null);
        foreach (Command verb in verbs)
        {
            if (!_top.Remove(verb.Name, out JsonElement section)) continue;
            if (section.ValueKind != JsonValueKind.Object) throw Wrong($"section {verb.Name} must be an object {{ }}");
            _sections[verb.Name] = Members(section, verb.Name);
        }
        CheckKeys(_top.Keys, null, verbs);
        foreach ((string name, var section) in _sections)
        {
            CheckKeys(section.Keys, name, verbs.Where(verb => verb.Name == name));
        }
    }

    /// <summary>Reads a file from disk.</summary>
    /// <exception cref="SettingsException">It cannot be read or used.</exception>
    public static SettingsFile Load(string path, IReadOnlyList<Command> verbs)
    {
        byte[] text = new byte[MostBytes + 1];
        int length;
        try
        {
            if (Directory.Exists(path)) throw new IOException("it is a folder");
            using FileStream file = File.OpenRead(path);
            length = file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException(
                $"the settings file '{path}' cannot be read: {exception.Message.TrimEnd('.')}.");
        }
        if (length <= MostBytes) return new SettingsFile(path, text.AsMemory(0, length), verbs);
        throw new SettingsException($"the settings file '{path}' has more than {MostBytes} bytes.");
    }

    /// <summary>What the file says for a verb, as words of a command line.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="isWanted">False for a flag that the command line gives itself.</param>
    /// <exception cref="SettingsException">A value is of a kind that no flag takes.</exception>
    public IEnumerable<GivenSetting> For(Command verb, Predicate<Option> isWanted)
    {
        _sections.TryGetValue(verb.Name, out var section);
        foreach (Setting setting in Setting.Of(verb).Where(setting => isWanted(setting.Option)))
        {
            JsonElement value = default;
            bool isInSection = section?.TryGetValue(setting.Key, out value) == true;
            if (!isInSection && !_top.TryGetValue(setting.Key, out value)) continue;
            string place = PlaceOf(setting.Key, isInSection ? verb.Name : null);
            yield return new GivenSetting(setting.Option, $"{_path}: {place}",
                [.. Values(setting, value, place).SelectMany(text => Words(setting.Flag, text))]);
        }
    }

    // Behind "=" a value is one, whatever it looks like; an empty one stands alone, or the next word would be taken.
    private static string[] Words(string flag, string value) => value.Length == 0 ? [flag, ""] : [$"{flag}={value}"];

    private JsonElement Parse(ReadOnlyMemory<byte> text)
    {
        if (text.Span.StartsWith(Encoding.UTF8.Preamble)) text = text[Encoding.UTF8.Preamble.Length..];
        JsonDocumentOptions options = new()
        {
            AllowTrailingCommas = true,
            CommentHandling = JsonCommentHandling.Skip,
            MaxDepth = MostDepth,
        };
        try
        {
            JsonElement root = JsonDocument.Parse(text, options).RootElement;
            return root.ValueKind == JsonValueKind.Object ? root : throw Wrong("it must hold one object { }");
        }
        catch (JsonException exception)
        {
            string reason = exception.Message.Split(" LineNumber:")[0].TrimEnd('.');
            throw new SettingsException($"{_path}, line {exception.LineNumber + 1}: this is no JSON: {reason}.");
        }
    }

    private Dictionary<string, JsonElement> Members(JsonElement element, string? section)
    {
        Dictionary<string, JsonElement> members = [];
        foreach (JsonProperty member in element.EnumerateObject())
        {
            string key = Text(() => member.Name, section is null ? "a key" : $"a key in section {section}");
            if (!members.TryAdd(key, member.Value)) throw Wrong($"{PlaceOf(key, section)} stands there twice");
        }
        return members;
    }

    private void CheckKeys(IEnumerable<string> keys, string? section, IEnumerable<Command> verbs)
    {
        HashSet<string> known = [.. verbs.SelectMany(Setting.Of).Select(setting => setting.Key)];
        foreach (string key in keys.Where(key => !known.Contains(key)))
        {
            IEnumerable<string> words = section is null ? known.Concat(_verbs.Select(verb => verb.Name)) : known;
            string meant = NearWord.Of(key, words) is { } near ? $"; did you mean '{near}'?" : ".";
            throw new SettingsException($"{_path}: unknown {PlaceOf(key, section)}{meant}");
        }
    }

    private IEnumerable<string> Values(Setting setting, JsonElement value, string place)
    {
        if (setting.IsSwitch)
        {
            return value.ValueKind switch
            {
                JsonValueKind.True => ["true"],
                JsonValueKind.False => [],
                _ => throw Wrong($"{place} wants true or false"),
            };
        }
        return value.ValueKind switch
        {
            JsonValueKind.Array => value.EnumerateArray().Select(item => Scalar(setting, item, place)),
            JsonValueKind.Object when setting.HoldsPairs => Members(value, null)
                .Select(pair => Pair(pair.Key, Scalar(setting, pair.Value, place), place)),
            _ => [Scalar(setting, value, place)],
        };
    }

    private string Scalar(Setting setting, JsonElement value, string place) => value.ValueKind switch
    {
        JsonValueKind.String => Text(() => value.GetString()!, place),
        JsonValueKind.Number => value.GetRawText(),
        _ => throw Wrong($"{place} wants {setting.ValueName}, which is a text or a number"),
    };

    private string Pair(string key, string value, string place) => key.Contains('=', StringComparison.Ordinal)
        ? throw Wrong($"{place} has '=' in '{Table.Word(key)}', which stands between the two parts of a pair")
        : $"{key}={value}";

    // A command line cannot hold NUL, and nothing that a flag wants holds a control character.
    private string Text(Func<string> read, string place)
    {
        try
        {
            string text = read();
            return text.Any(char.IsControl) ? throw Wrong($"{place} holds a control character") : text;
        }
        catch (InvalidOperationException)
        {
            throw Wrong($"{place} holds bytes or an escape that are no text");
        }
    }

    private static string PlaceOf(string key, string? section) =>
        $"key '{Table.Word(key)}'{(section is null ? "" : $" in section {section}")}";

    private SettingsException Wrong(string what) => new($"{_path}: {what}.");
}

/// <summary>What a settings file says about one flag.</summary>
/// <param name="Option">The flag.</param>
/// <param name="Place">The file and the key, for a sentence.</param>
/// <param name="Words">The flag with its values as words of a command line; none when it is off.</param>
internal sealed record GivenSetting(Option Option, string Place, string[] Words);
