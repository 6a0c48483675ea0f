using System.CommandLine;
using System.Text;
using System.Text.Json;
using MicroCdn.Protocol;

namespace MicroCdn.Settings;

/// <summary>What one source of settings says, in JSON: keys for every verb, and sections.</summary>
/// <remarks>
/// It only says what flags say: each value becomes words of a command line, and the flag's own parser reads
/// them. Every key is checked, those of other verbs too, so that a mistake is found by whoever starts first.
/// </remarks>
internal sealed class SettingsSource
{
    /// <summary>The largest file that is read.</summary>
    public const int MostBytes = 1 << 20;

    // A file, a section, a list or an object in it: three.
    private const int MostDepth = 8;

    // For editors; it says where the schema is.
    private const string SchemaKey = "$schema";

    private readonly IReadOnlyList<Section> _known;
    private readonly Func<string, string?, string>? _nameOf;
    private readonly Dictionary<string, JsonElement> _top;
    private readonly Dictionary<string, Dictionary<string, JsonElement>> _sections = [];

    /// <summary>Reads a text and checks its keys.</summary>
    /// <param name="name">What the source is called: a file's path, or the environment.</param>
    /// <param name="text">One JSON object; comments and a comma behind the last item are allowed.</param>
    /// <param name="known">The sections, and what may stand in each.</param>
    /// <param name="nameOf">How a key in a section is called where it was written; null for as it is in JSON.</param>
    /// <exception cref="SettingsException">It is no JSON, or holds a key that no verb knows.</exception>
    public SettingsSource(string name, ReadOnlyMemory<byte> text, IReadOnlyList<Section> known,
        Func<string, string?, string>? nameOf = null)
    {
        (Name, _known, _nameOf) = (name, known, nameOf);
        _top = Members(Parse(text), null);
        _top.Remove(SchemaKey);
        foreach (Section section in known)
        {
            if (!_top.Remove(section.Name, out JsonElement element)) continue;
            if (element.ValueKind != JsonValueKind.Object)
                throw Wrong($"{SectionOf(section.Name)} must be an object {{ }}");
            _sections[section.Name] = Members(element, section.Name);
        }
        CheckKeys(_top.Keys, null, known);
        foreach ((string section, var members) in _sections)
        {
            CheckKeys(members.Keys, section, known.Where(one => one.Name == section));
        }
    }

    /// <summary>What it is called: a file's path, or the environment.</summary>
    public string Name { get; }

    /// <summary>Whether it says something for one section alone.</summary>
    public bool Has(string section) => _sections.ContainsKey(section);

    /// <summary>Reads a file from disk.</summary>
    /// <exception cref="SettingsException">It cannot be read or used.</exception>
    public static SettingsSource Load(string path, IReadOnlyList<Section> known)
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
        if (length <= MostBytes) return new SettingsSource(path, text.AsMemory(0, length), known);
        throw new SettingsException($"the settings file '{path}' has more than {MostBytes} bytes.");
    }

    /// <summary>What it says for a verb, as words of a command line.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="isWanted">False for a flag that something stronger gives.</param>
    /// <exception cref="SettingsException">A value is of a kind that no flag takes.</exception>
    public IEnumerable<GivenSetting> For(Command verb, Predicate<Option> isWanted)
    {
        string name = Section.NameOf(verb);
        _sections.TryGetValue(name, out var section);
        foreach (Setting setting in Section.For(verb).Where(setting => isWanted(setting.Option)))
        {
            JsonElement value = default;
            bool isInSection = section?.TryGetValue(setting.Key, out value) == true;
            if (!isInSection && !_top.TryGetValue(setting.Key, out value)) continue;
            string place = PlaceOf(setting.Key, isInSection ? name : null);
            yield return new GivenSetting(setting.Option, Name, place,
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
            throw new SettingsException($"{Name}, line {exception.LineNumber + 1}: this is no JSON: {reason}.");
        }
    }

    private Dictionary<string, JsonElement> Members(JsonElement element, string? section)
    {
        Dictionary<string, JsonElement> members = [];
        foreach (JsonProperty member in element.EnumerateObject())
        {
            string key = Text(() => member.Name, section is null ? "a key" : $"a key in {SectionOf(section)}");
            if (!members.TryAdd(key, member.Value)) throw Wrong($"{PlaceOf(key, section)} stands there twice");
        }
        return members;
    }

    private void CheckKeys(IEnumerable<string> keys, string? section, IEnumerable<Section> sections)
    {
        HashSet<string> known = [.. sections.SelectMany(one => one.Settings).Select(setting => setting.Key)];
        foreach (string key in keys.Where(key => !known.Contains(key)))
        {
            IEnumerable<string> words = section is null ? known.Concat(_known.Select(one => one.Name)) : known;
            string meant = NearWord.Of(key, words) is { } near
                ? $"; did you mean '{_nameOf?.Invoke(near, section) ?? near}'?" : ".";
            throw new SettingsException($"{Name}: unknown {PlaceOf(key, section)}{meant}");
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
            JsonValueKind.Array when setting.IsRepeated =>
                value.EnumerateArray().Select(item => Scalar(setting, item, place)),
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

    private string PlaceOf(string key, string? section) => _nameOf is null
        ? $"key '{Table.Word(key)}'{(section is null ? "" : $" in section {section}")}"
        : $"variable {Table.Word(_nameOf(key, section))}";

    private string SectionOf(string section) => _nameOf is null ? $"section {section}" : _nameOf(section, null);

    private SettingsException Wrong(string what) => new($"{Name}: {what}.");
}

/// <summary>What a source says about one flag.</summary>
/// <param name="Option">The flag.</param>
/// <param name="Source">What the source is called.</param>
/// <param name="Place">The key, for a sentence.</param>
/// <param name="Words">The flag with its values as words of a command line; none when it is off.</param>
internal sealed record GivenSetting(Option Option, string Source, string Place, string[] Words);
