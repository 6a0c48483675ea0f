using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MicroCdn.Client;
using MicroCdn.Keys;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn status</c>: how many copies of what is published there are, and which servers keep
/// them.</summary>
internal static class StatusVerb
{
    public static Command Create()
    {
        IndexFlags index = new();
        Option<bool> json = Flags.Json();
        Option<string?> keyFile = KeyFlags.File();
        Command verb = new("status", "Say how many copies of what is published are there, missing, and being made.")
        {
            json, keyFile,
        };
        index.AddTo(verb);
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            Publisher publisher = PutFlags.Of(index.Read(parsed), parsed.GetValue(keyFile));
            CopyStatus status = await CopyStatus.AskAsync(publisher, token);
            return Messages.Print(() =>
            {
                if (parsed.GetValue(json)) WriteJson(status);
                else WriteTable(status);
            });
        }));
        return verb;
    }

    /// <summary>What is still to be done, for people; empty when nothing is.</summary>
    public static string LeftOf(CopyStatus status)
    {
        if (status.BytesLeft == 0 && status.Making == 0) return "";
        string speed = status.Speed > 0 ? $", {Table.Size(status.Speed)} a second" : "";
        string time = status.TimeLeft is { } left && status.BytesLeft > 0 ? $", about {TimeOf(left)}" : "";
        return $"{Table.Size(status.BytesLeft)}{speed}{time}";
    }

    private static string TimeOf(TimeSpan time) => time.TotalMinutes < 2
        ? string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalSeconds)} s")
        : string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalMinutes)} min");

    private static void WriteTable(CopyStatus status)
    {
        using PlainLines output = new();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"published   {status.Names} files"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"copies      {status.There} of {status.Copies}"));
        if (status.Missing > 0 || status.Making > 0)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"missing     {status.Missing}, {status.Making} of all are being made"));
        }
        if (LeftOf(status) is { Length: > 0 } left) output.WriteLine($"to fetch    {left}");
        if (status.Stuck > 0)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"no place    {status.Stuck} files: servers, or room on them, are missing"));
        }
        if (status.Lost > 0)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"not to be had  {status.Lost} files: no server that is there has them"));
            foreach (string name in status.LostNames) output.WriteLine($"  {name}");
        }
        int width = Math.Max(6, status.Servers.Select(server => server.Id.Length).DefaultIfEmpty().Max());
        output.WriteLine();
        output.WriteLine($"{"SERVER".PadRight(width)}  STATE         COPIES       ROOM       FREE  NOTE");
        foreach (ServerCopies server in status.Servers.OrderBy(one => one.Id, StringComparer.Ordinal))
        {
            string room = server.Capacity is { } bytes ? Table.Size(bytes) : "-";
            string free = server.Free is { } more ? Table.Size(more) : "-";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{server.Id.PadRight(width)}  "
                + $"{server.State,-9}  {server.Copies,9}  {room,9}  {free,9}  {NoteOf(server)}").TrimEnd());
        }
    }

    private static string NoteOf(ServerCopies server)
    {
        List<string> notes = [];
        if (server.IsRetired) notes.Add("retired");
        if (server.Left is { } left)
        {
            notes.Add(left == 0 ? "may be switched off"
                : string.Create(CultureInfo.InvariantCulture, $"{left} files are not safe elsewhere yet"));
        }
        if (server.IsFull) notes.Add("full");
        if (server.Wrong > 0)
        {
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"{server.Wrong} copies have other bytes"));
        }
        return string.Join(", ", notes);
    }

    private static void WriteJson(CopyStatus status)
    {
        using Stream output = Console.OpenStandardOutput();
        using Utf8JsonWriter writer = new(output, Table.Json);
        writer.WriteStartObject();
        writer.WriteNumber("names", status.Names);
        writer.WriteNumber("copies", status.Copies);
        writer.WriteNumber("there", status.There);
        writer.WriteNumber("making", status.Making);
        writer.WriteNumber("missing", status.Missing);
        writer.WriteNumber("stuck", status.Stuck);
        writer.WriteNumber("lost", status.Lost);
        writer.WriteNumber("bytesLeft", status.BytesLeft);
        writer.WriteNumber("speed", status.Speed);
        if (status.TimeLeft is { } left) writer.WriteNumber("secondsLeft", (long)left.TotalSeconds);
        else writer.WriteNull("secondsLeft");
        writer.WriteStartArray("lostNames");
        foreach (string name in status.LostNames) writer.WriteStringValue(name);
        writer.WriteEndArray();
        writer.WriteStartArray("servers");
        foreach (ServerCopies server in status.Servers) Write(server, writer);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        output.WriteByte((byte)'\n');
    }

    private static void Write(ServerCopies server, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("id", server.Id);
        writer.WriteString("state", server.State);
        writer.WriteNumber("copies", server.Copies);
        if (server.Capacity is { } capacity) writer.WriteNumber("capacity", capacity);
        if (server.Free is { } free) writer.WriteNumber("free", free);
        writer.WriteBoolean("retired", server.IsRetired);
        if (server.Left is { } left) writer.WriteNumber("left", left);
        writer.WriteBoolean("full", server.IsFull);
        writer.WriteNumber("wrong", server.Wrong);
        writer.WriteEndObject();
    }
}
