using System.CommandLine;
using System.Text;
using System.Text.Json;

namespace MicroCdn.Settings;

/// <summary>The JSON schema of a settings file (JSON Schema 2020-12), for editors and for who makes such
/// files.</summary>
internal static class SettingsSchema
{
    /// <summary>The schema as text, with a line end at its end.</summary>
    public static string Of(RootCommand root)
    {
        IReadOnlyList<Section> sections = Section.All(root);
        using MemoryStream text = new();
        using (Utf8JsonWriter writer = new(text, Table.Json))
        {
            writer.WriteStartObject();
            writer.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            writer.WriteString("title", "Settings of MicroCDN");
            writer.WriteString("type", "object");
            writer.WriteBoolean("additionalProperties", false);
            writer.WriteStartObject("properties");
            writer.WriteStartObject("$schema");
            writer.WriteString("type", "string");
            writer.WriteEndObject();
            foreach (Section section in sections) Write(writer, section);
            HashSet<string> names = [.. sections.Select(section => section.Name)];
            // A section's name is no key at the top.
            foreach (Setting setting in sections.SelectMany(section => section.Settings)
                .Where(setting => !names.Contains(setting.Key)).DistinctBy(setting => setting.Key)
                .OrderBy(setting => setting.Key, StringComparer.Ordinal))
            {
                Write(writer, setting);
            }
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(text.ToArray()) + "\n";
    }

    private static void Write(Utf8JsonWriter writer, Section section)
    {
        writer.WriteStartObject(section.Name);
        writer.WriteString("type", "object");
        writer.WriteBoolean("additionalProperties", false);
        writer.WriteStartObject("properties");
        foreach (Setting setting in section.Settings.OrderBy(one => one.Key, StringComparer.Ordinal))
        {
            Write(writer, setting);
        }
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, Setting setting)
    {
        writer.WriteStartObject(setting.Key);
        writer.WriteString("description", setting.Option.Description);
        if (setting.IsSwitch) writer.WriteString("type", "boolean");
        else WriteTypes(writer, setting);
        writer.WriteEndObject();
    }

    private static void WriteTypes(Utf8JsonWriter writer, Setting setting)
    {
        string[] types = ["string", "number", .. setting.IsRepeated ? (string[])["array"] : [],
            .. setting.HoldsPairs ? (string[])["object"] : []];
        WriteList(writer, "type", types);
        if (setting.IsRepeated) WriteScalars(writer, "items");
        if (setting.HoldsPairs) WriteScalars(writer, "additionalProperties");
    }

    private static void WriteScalars(Utf8JsonWriter writer, string of)
    {
        writer.WriteStartObject(of);
        WriteList(writer, "type", ["string", "number"]);
        writer.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter writer, string name, string[] values)
    {
        writer.WriteStartArray(name);
        foreach (string value in values) writer.WriteStringValue(value);
        writer.WriteEndArray();
    }
}
