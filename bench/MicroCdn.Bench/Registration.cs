using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace MicroCdn.Bench;

/// <summary>A content server that exists only on the wire: it registers with the index and lists files.</summary>
internal sealed class Registration : IDisposable
{
    private const int Batch = 64 * 1024;
    private const int LongestLine = 256;

    private readonly Conversation _index;
    private readonly string _server;
    private readonly bool _isPublished;

    /// <summary>Registers server number 1, 2 or 3 with the index on the port; one that speaks HTTP says so, which
    /// takes version 2, and so does one whose files are published.</summary>
    public Registration(int indexPort, int number, bool web = false, bool isPublished = false)
    {
        _isPublished = isPublished;
        _server = $"B{number}";
        _index = new Conversation(indexPort);
        int port = ServerPort(number);
        if (web || isPublished) _index.Demand("HELLO 2", "WELCOME MICRO-CDN 2");
        _index.Demand($"REGISTER {_server} {port} {port + 1}{(web ? $" http={port + 2}" : "")}", "OK REGISTERED");
    }

    /// <summary>The port of a server: 7001, 7101, 7201.</summary>
    public static int ServerPort(int number) => 6901 + 100 * number;

    /// <summary>Whether an answer to GET names one of these servers with the file's size.</summary>
    public static bool IsRight(ReadOnlySpan<byte> answer, int file)
    {
        string[] words = Encoding.UTF8.GetString(answer).TrimEnd().Split(' ');
        return words.Length == 5 && words[0] == "SERVER" && words[1] == "127.0.0.1"
            && words[3] is ['B', >= '1' and <= '3']
            && words[2] == ServerPort(words[3][1] - '0').ToString(CultureInfo.InvariantCulture)
            && words[4] == Catalog.Size(file).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Lists the catalog's first files and returns how long it took until the index had them.</summary>
    /// <param name="count">How many files.</param>
    /// <param name="lineBySend">One send for each line, as version 1 peers do, instead of 64 KB at once.</param>
    public TimeSpan AddFiles(int count, bool lineBySend)
    {
        byte[] server = Encoding.UTF8.GetBytes(_server);
        byte[] buffer = new byte[Batch];
        int most = lineBySend ? LongestLine : Batch;
        int used = 0;
        long begin = Stopwatch.GetTimestamp();
        for (int number = 0; number < count; number++)
        {
            if (used + LongestLine > most || lineBySend) Flush();
            used += _isPublished ? Catalog.WriteAddPublished(server, number, buffer.AsSpan(used))
                : Catalog.WriteAddFile(server, number, buffer.AsSpan(used));
        }
        Flush();
        _index.Demand("DONE_FILES", "OK FILES_ADDED");
        return Stopwatch.GetElapsedTime(begin);

        void Flush()
        {
            _index.Send(buffer.AsSpan(0, used));
            used = 0;
        }
    }

    /// <summary>Its id.</summary>
    public string Id => _server;

    /// <summary>Says that it drains, or resumes.</summary>
    public void Demand(string verb) =>
        _index.Demand($"{verb} {_server}", verb == "DRAIN" ? "OK DRAINING" : "OK RESUMED");

    public void Dispose() => _index.Dispose();
}
