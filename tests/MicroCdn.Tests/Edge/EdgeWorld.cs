using System.Security.Cryptography;
using System.Text;
using MicroCdn.Content;
using MicroCdn.Edge;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Edge;

/// <summary>An edge over a real folder, asked over a wire that a test cuts as it likes.</summary>
internal sealed class EdgeWorld : IAsyncDisposable
{
    private readonly OpenFiles _open;
    private readonly EdgeHandler _handler;
    private readonly Variants? _variants;
    private readonly LogBook _log = new();

    public EdgeWorld(EdgeOptions? options = null, bool compresses = false)
    {
        options ??= new EdgeOptions();
        Served = new ServedFolder(Folder.Path);
        _open = new OpenFiles(Served.Open, most: 8);
        if (compresses)
        {
            _variants = new Variants(Path.Combine(Aside.Path, "variants"), 1 << 20, _log, TimeProvider.System);
        }
        ServedFiles files = new(() => Library, _open, () => ScansAskedFor++);
        _handler = new EdgeHandler(options, new FileFieldLines(options), files, _variants, null, Time);
        Service = new HttpService(_handler, new TrustedNetworks([]), new Complaints(_log, Time), Time)
        {
            CrossOrigin = new CrossOrigin(options.CorsOrigins),
        };
    }

    public TemporaryFolder Folder { get; } = new();

    public TemporaryFolder Aside { get; } = new();

    public ServedFolder Served { get; }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public HttpService Service { get; }

    public Library Library { get; private set; } = Library.Empty;

    public int ScansAskedFor { get; private set; }

    public int Active => _open.Active;

    /// <summary>What was sent of files since this was asked last, as name and bytes.</summary>
    public (string, long)[] TakeSent() => [.. _open.TakeSent().Select(sent => (sent.Name, sent.Bytes)).Order()];

    /// <summary>The entity tag of a text's bytes.</summary>
    public static string TagOf(string text) =>
        $"\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}\"";

    /// <summary>Writes files, each name with its text, and scans.</summary>
    public EdgeWorld With(params (string Name, string Text)[] files)
    {
        foreach ((string name, string text) in files)
        {
            File.SetLastWriteTimeUtc(Folder.Write(name, text), new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        }
        return Scan(withDigests: true);
    }

    public EdgeWorld Scan(bool withDigests)
    {
        Library library = new();
        Served.Scan((name, facts) => library.Add(name, facts));
        for (int number = 0; withDigests && number < library.Count; number++)
        {
            byte[] bytes = File.ReadAllBytes(Folder[Encoding.UTF8.GetString(library.NameOf(number))]);
            library.Learn(number, SHA256.HashData(bytes));
        }
        Library = library;
        return this;
    }

    public HttpAnswer Ask(string target, params string[] fields) => Ask("GET", target, fields);

    public HttpAnswer Ask(string method, string target, string[] fields)
    {
        Wire wire = new Wire(Service).Receive(Head(method, target, fields));
        return HttpAnswer.Read(wire.SentBytes);
    }

    public static string Head(string method, string target, params string[] fields) =>
        $"{method} {target} HTTP/1.1\r\nHost: x\r\n{string.Concat(fields.Select(field => field + "\r\n"))}\r\n";

    public async ValueTask DisposeAsync()
    {
        if (_variants is not null) await _variants.DisposeAsync();
        _open.Dispose();
        Folder.Dispose();
        Aside.Dispose();
    }
}

/// <summary>A response as a client reads it.</summary>
internal sealed record HttpAnswer(int Status, Dictionary<string, string> Fields, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public string? this[string field] => Fields.GetValueOrDefault(field);

    public static HttpAnswer Read(byte[] bytes)
    {
        int end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        string[] lines = Encoding.UTF8.GetString(bytes, 0, end).Split("\r\n");
        Dictionary<string, string> fields = new(StringComparer.OrdinalIgnoreCase);
        foreach (string[] field in lines[1..].Select(line => line.Split(": ", 2)))
        {
            fields[field[0]] = fields.TryGetValue(field[0], out string? known) ? $"{known}, {field[1]}" : field[1];
        }
        return new HttpAnswer(int.Parse(lines[0].AsSpan(9, 3), null), fields, bytes[(end + 4)..]);
    }
}
