using MicroCdn.Protocol;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Protocol;

/// <summary>Reads every line that some peer sends us, and writes what was understood as text.</summary>
internal static class Readings
{
    public static string[] Kinds { get; } =
        ["REGISTER", "ADD_FILE", "UPDATE_LOAD", "SERVER_DOWN", "REGISTER_INDEX", "HEARTBEAT", "Route", "FileRow",
            "ServerRow"];

    /// <summary>What a line of this kind says, or null when it is none.</summary>
    public static string? Read(string kind, ReadOnlySpan<byte> line)
    {
        Words words = new(line);
        if (kind is "REGISTER" or "ADD_FILE" or "UPDATE_LOAD" or "SERVER_DOWN" or "REGISTER_INDEX"
            && !(words.Next(out var verb) && verb.SequenceEqual(kind.Utf8()))) return null;
        return kind switch
        {
            "REGISTER" => Registration.TryParse(words, out Registration m) ? $"{m.Id.Text()}|{m.TcpPort}|{m.UdpPort}"
                : null,
            "ADD_FILE" => FileAnnouncement.TryParse(words, out FileAnnouncement m)
                ? $"{m.Id.Text()}|{m.Name.Text()}|{m.Size}" : null,
            "UPDATE_LOAD" => LoadUpdate.TryParse(words, out LoadUpdate m) ? $"{m.Id.Text()}|{m.Load}" : null,
            "SERVER_DOWN" => ServerDown.TryParse(words, out ServerDown m) ? $"{m.Id.Text()}|{m.UnixSeconds}" : null,
            "REGISTER_INDEX" => IndexSubscription.TryParse(words, out IndexSubscription m)
                ? $"{m.Host.Text()}|{m.Port}" : null,
            "HEARTBEAT" => Heartbeat.TryParse(line, out Heartbeat m)
                ? $"{m.Id.Text()}|{m.Host.Text()}|{m.TcpPort}|{m.Load}|{m.Files}" : null,
            "Route" => Route.TryParse(line, out Route? m) ? $"{m!.Host}|{m.Port}|{m.Id}|{m.Size}" : null,
            "FileRow" => FileRow.TryParse(line, out FileRow? m) ? $"{m!.Name}|{m.Size}" : null,
            "ServerRow" => ServerRow.TryParse(line, out ServerRow? m)
                ? $"{m!.Id}|{m.Host}|{m.Port}|{m.Load}|{m.Alive}" : null,
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
    }
}
