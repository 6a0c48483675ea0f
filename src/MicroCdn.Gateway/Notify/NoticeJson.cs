using System.Buffers;
using System.Globalization;
using System.Text.Json;
using MicroCdn.Gateway.Api;
using MicroCdn.Index.Events;

namespace MicroCdn.Gateway.Notify;

/// <summary>Writes events for whoever is told: an object for one, a list for several.</summary>
internal static class NoticeJson
{
    /// <summary>The JSON of events.</summary>
    /// <param name="events">The events.</param>
    /// <param name="index">Where the index listens that tells.</param>
    public static ReadOnlyMemory<byte> Write(IReadOnlyList<FleetEvent> events, string index)
    {
        ArrayBufferWriter<byte> buffer = new();
        using Utf8JsonWriter writer = new(buffer);
        if (events.Count != 1) writer.WriteStartArray();
        foreach (FleetEvent one in events)
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", one.Id);
            foreach ((string key, string value) in Words(one, index)) writer.WriteString(key, value);
            writer.WriteEndObject();
        }
        if (events.Count != 1) writer.WriteEndArray();
        writer.Flush();
        return buffer.WrittenMemory;
    }

    private static (string Key, string Value)[] Words(FleetEvent one, string index) =>
    [
        ("time", one.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)),
        ("kind", EventWords.Kinds[(int)one.Kind]), ("severity", EventWords.Severities[(int)one.Severity]),
        ("subject", one.Subject), ("text", one.Text), ("index", index),
    ];
}
