using System.Buffers;
using System.Collections;
using System.Globalization;
using System.Text.Json;

namespace MicroCdn.Settings;

/// <summary>Settings of the environment: <c>MICROCDN__httpPort=7003</c>,
/// <c>MICROCDN__content__trust__0=10.0.0.0/8</c>.</summary>
/// <remarks>
/// They are put down as JSON and read as a file is, so that one way of reading knows what is wrong. Two underscores,
/// as .NET has them; what has one alone is somebody else's, such as the variables that Kubernetes makes of a service's
/// name.
/// </remarks>
internal static class SettingsEnvironment
{
    /// <summary>With what the names of all variables begin.</summary>
    public const string Prefix = "MICROCDN__";

    private const string Between = "__";

    /// <summary>What the variables say; capital letters and small ones are the same in their names.</summary>
    /// <param name="variables">The variables of the process.</param>
    /// <param name="known">The sections.</param>
    /// <exception cref="SettingsException">One of them is no setting.</exception>
    public static SettingsSource Read(IDictionary variables, IReadOnlyList<Section> known)
    {
        // An empty one counts as none: that is how scripts and containers leave something out.
        var given = variables.Keys.OfType<string>()
            .Where(name => name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            .Select(name => Variable.Of(name, variables[name] as string ?? "", known))
            .Where(variable => variable.Value.Length > 0)
            .OrderBy(variable => variable.Index).ThenBy(variable => variable.Name, StringComparer.Ordinal).ToArray();
        ArrayBufferWriter<byte> text = new();
        using (Utf8JsonWriter writer = new(text))
        {
            writer.WriteStartObject();
            foreach (var section in given.GroupBy(variable => variable.Section))
            {
                if (section.Key is { } name) writer.WriteStartObject(name);
                foreach (var setting in section.GroupBy(one => (one.Key, one.Index is null)))
                {
                    Write(writer, setting.Key.Key, [.. setting], known);
                }
                if (section.Key is not null) writer.WriteEndObject();
            }
            writer.WriteEndObject();
        }
        return new SettingsSource("environment", text.WrittenMemory, known, NameOf);
    }

    /// <summary>The variable of a setting.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="section">Its section; null for all verbs.</param>
    public static string NameOf(string key, string? section) =>
        section is null ? Prefix + key : Prefix + section + Between + key;

    private static void Write(Utf8JsonWriter writer, string key, Variable[] values, IReadOnlyList<Section> known)
    {
        bool isSwitch = known.Any(one => one.Settings.Any(setting => setting.Key == key && setting.IsSwitch));
        if (values[0].Index is not null)
        {
            writer.WriteStartArray(key);
            foreach (Variable one in values) writer.WriteStringValue(one.Value);
            writer.WriteEndArray();
            return;
        }
        // Two that differ in capital letters alone stand there twice, and are told of so.
        foreach (Variable one in values)
        {
            if (isSwitch && bool.TryParse(one.Value, out bool on)) writer.WriteBoolean(key, on);
            else writer.WriteString(key, one.Value);
        }
    }

    private sealed record Variable(string Name, string? Section, string Key, int? Index, string Value)
    {
        public static Variable Of(string name, string value, IReadOnlyList<Section> known)
        {
            string[] parts = name[Prefix.Length..].Split(Between);
            int? index = parts.Length > 1 && int.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture,
                out int number) ? number : null;
            if (index is not null) parts = parts[..^1];
            string? section = parts.Length > 1 ? Meant(parts[0], known.Select(one => one.Name)) : null;
            string key = section is null ? string.Join(Between, parts) : string.Join(Between, parts[1..]);
            return new Variable(name, section, Meant(key, known.Where(one => section is null || one.Name == section)
                .SelectMany(one => one.Settings).Select(setting => setting.Key)) ?? key, index, value);
        }

        private static string? Meant(string text, IEnumerable<string> words) =>
            words.FirstOrDefault(word => word.Equals(text, StringComparison.OrdinalIgnoreCase));
    }
}
