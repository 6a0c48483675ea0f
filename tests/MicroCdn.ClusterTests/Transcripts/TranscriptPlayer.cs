using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using MicroCdn.Client;
using MicroCdn.Content;
using MicroCdn.Index;
using MicroCdn.Monitor;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.Transcripts;

/// <summary>Plays one transcript; README.md in this folder explains the words.</summary>
internal sealed class TranscriptPlayer
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly IPNetwork[] Trust = [IPNetwork.Parse("198.51.100.0/24"), IPNetwork.Parse("2001:db8::/32")];
    private readonly FakeWorld _world;
    private readonly Dictionary<string, Talk> _talks = [];
    private readonly Dictionary<string, ForeignPeer> _foreign = [];
    private readonly Dictionary<string, IDatagramPort> _datagrams = [];
    private readonly List<(Regex Form, Func<string[], Task> Play)> _verbs;
    private readonly Dictionary<string, ContentRole> _contents = [];
    private Task<DownloadResult>? _download;
    private SharedLog? _log;

    private TranscriptPlayer(FakeWorld world)
    {
        _world = world;
        world.Network.SetAddress("here", IPAddress.Parse("192.0.2.1"));
        world.Network.SetAddress("friend", IPAddress.Parse("198.51.100.7"));
        world.Network.SetAddress("friend6", IPAddress.Parse("2001:db8::7"));
        world.Network.SetAddress("stranger", IPAddress.Parse("203.0.113.9"));
        // The table of verbs, each with the form of its line; the first that fits is played.
        _verbs =
        [
            Verb("""content (\S+) has (.+) "(.*)" """, words => Give(words[0], words[1], Unescape(words[2]))),
            Verb("""content (\S+) has (.+) of (\d+) bytes""",
                words => Give(words[0], words[1], new byte[Number(words[2])])),
            Verb("""start index on a log that others share""", _ => Start("index", Credentials.None, log: new SharedLog())),
            Verb("""the log is away""", _ => Done(() => _log!.Cut("here", isAway: true))),
            Verb("""start (\S+)""", words => Start(words[0], Credentials.None)),
            Verb("""start (\S+) with a state""", words => Start(words[0], Credentials.None, _world.Folder["state"])),
            Verb("""start (\S+) with a state and (the|another) key, (required|permissive)""",
                words => Start(words[0], KeysOf(words[1], words[2]), _world.Folder["state"])),
            Verb("""start (\S+) with (the|another) key, (required|permissive)""",
                words => Start(words[0], KeysOf(words[1], words[2]))),
            Verb("""foreign index listens""", _ => Listen("index", 5050)),
            Verb("""foreign content listens on (\d+)""", words => Listen("content", Number(words[0]))),
            Verb("""foreign monitor listens""", _ => ListenForHeartbeats()),
            Verb("""monitor hears (.*)""", words => HearAsync(words[0])),
            Verb("""foreign monitor takes calls""", _ => Listen("tether", 6001)),
            Verb("""(index|content|tether) accepts""", words => AcceptAsync(words[0])),
            Verb("""(\S+) calls (\S+)""", words => CallAsync(words[0], words[1])),
            Verb("""(\S+) hangs up""", words => _talks[words[0]].HangUpAsync().AsTask()),
            Verb("""monitor ~> (CS\d) (.*)""", words => Done(() => _foreign["monitor"].Send(
                Unescape(words[1]), new IPEndPoint(IPAddress.Loopback, PortOf(words[0]) + 1)))),
            Verb("""(CS\d) leaves""", words => LeaveAsync(words[0])),
            Verb("""(\S+) ~> (.*)""", words => SendDatagram(words[0], Unescape(words[1]))),
            Verb("""(\S+) > raw "(.*)" """, words => _talks[words[0]].SendAsync(Unescape(words[1]))),
            Verb("""(\S+) > (\d+) times "(.*)" """, words => _talks[words[0]].SendAsync(
                [.. Enumerable.Repeat(Unescape(words[2]), Number(words[1])).SelectMany(bytes => bytes)])),
            Verb("""(\S+) > (.*)""", words => _talks[words[0]].SendAsync(Encoding.UTF8.GetBytes(words[1] + "\n"))),
            Verb("""(\S+) < nothing""", words => ExpectNothingAsync(words[0])),
            Verb("""(\S+) < closed""", words => ExpectClosedAsync(words[0])),
            Verb("""(\S+) < bytes "(.*)" """, words => ExpectBytesAsync(words[0], Unescape(words[1]))),
            Verb("""(\S+) < (\d+) bytes""", words => ExpectBytesAsync(words[0], new byte[Number(words[1])])),
            Verb("""(\S+) < (.*)""", words => ExpectLineAsync(words[0], words[1])),
            Verb("""wait ([0-9.]+) s""", words => _world.AdvanceAsync(TimeSpan.FromSeconds(
                double.Parse(words[0], CultureInfo.InvariantCulture)))),
            Verb("""client gets (.+)""", words => Get(words[0])),
            Verb("""client saved "(.*)" """, words => ExpectSavedAsync(Unescape(words[0]))),
            Verb("""client says (NotFound|Unreachable)""",
                words => ExpectFailedAsync(Enum.Parse<CdnFailure>(words[0]))),
        ];
    }

    /// <summary>Plays the lines of a transcript; the first is its title.</summary>
    public static async Task PlayAsync(string name, string[] lines, int? fragmentBytes)
    {
        await using FakeWorld world = new(seed: 1);
        world.Network.FragmentBytes = fragmentBytes;
        TranscriptPlayer player = new(world);
        try
        {
            for (int number = 1; number < lines.Length; number++)
            {
                if (lines[number] is "" or ['#', ..]) continue;
                world.Phase($"{name}.txt, line {number + 1}: {lines[number]}");
                await player.PlayAsync(lines[number]);
            }
            world.Phase($"{name}.txt, after its end");
            await world.SettleAsync();
            foreach ((string who, Talk talk) in player._talks)
            {
                player.Check(talk.UnreadBytes == 0, $"{who} gets no more", talk.Unread);
            }
        }
        catch (Exception exception) when (exception is not FakeWorldException)
        {
            throw world.Failure("the transcript plays", exception.Message, exception);
        }
    }

    private async Task PlayAsync(string line)
    {
        foreach ((Regex form, Func<string[], Task> play) in _verbs)
        {
            if (form.Match(line) is not { Success: true } match) continue;
            await play([.. match.Groups.Values.Skip(1).Select(group => group.Value)]);
            await _world.SettleAsync();
            return;
        }
        throw new FormatException($"no verb of the transcripts has the form of '{line}'");
    }

    // Who is called friend or stranger speaks from elsewhere; everyone else from the machine that the roles run on.
    private FakeHost HostOf(string who) => _world.Network.Host(who.TrimEnd('1', '2', '3') switch
    {
        "friend" => "friend",
        "friend6-" => "friend6",
        "stranger" => "stranger",
        _ => "here",
    });

    private static int PortOf(string id) => 7001 + ((id[^1] - '1') * 100);

    private Task Give(string id, string name, byte[] bytes) => Done(() => _world.Folder.Write($"{id}/{name}", bytes));

    private static Credentials KeysOf(string which, string mode) => TestKeys.Counting(
        mode == "required" ? AuthMode.Required : AuthMode.Permissive,
        which == "the" ? TestKeys.Usual : TestKeys.Other);

    private Task Start(string role, Credentials credentials, string? state = null, SharedLog? log = null) => Done(() =>
    {
        FakeHost host = _world.Network.Host("here");
        if (role == "index")
        {
            _log = log;
            IndexOptions options = new() { Trust = Trust, Credentials = credentials, Records = log?.Open(host) };
            host.Attach(new IndexRole(options, host.Dialer, host.Time, new Random(1), host.Loggers));
        }
        else if (role == "monitor")
        {
            MonitorOptions options = new()
            {
                Trust = Trust,
                Indexes = [new IndexAddress("localhost", 5050)],
                Credentials = credentials,
            };
            host.Attach(new MonitorRole(options, host.Dialer, host.Datagrams, host.Time, host.Loggers));
        }
        else
        {
            ServerId.TryCreate(role, out ServerId id);
            Directory.CreateDirectory(_world.Folder[role]);
            ContentOptions options = new()
            {
                Id = id,
                Files = _world.Folder[role],
                TcpPort = PortOf(role),
                UdpPort = PortOf(role) + 1,
                HttpPort = role == "CS2" ? 7103 : null,
                Zone = role == "CS2" ? "upper hall" : null,
                Pulls = role == "CS2" ? ["/%C3%BC/", "/docs"] : [],
                InBackground = Task.Run,
                AtDisk = Task.Run,
                Credentials = credentials,
                Trust = Trust,
                State = state,
            };
            _contents[role] = new ContentRole(options, host.Dialer, host.Datagrams, host.Time, host.Loggers);
            host.Attach(_contents[role]);
        }
    });

    // Not waited for: its peers, whom the transcript plays, are still to answer.
    private Task LeaveAsync(string id) => Done(() => _ = _contents[id].LeaveAsync(CancellationToken.None));

    private Task Listen(string who, int port) =>
        Done(() => _foreign[who] = ForeignPeer.OnTcp(_world.Network.Host("here"), port));

    private Task ListenForHeartbeats() =>
        Done(() => _foreign["monitor"] = ForeignPeer.OnUdp(_world.Network.Host("here"), 6000));

    private async Task HearAsync(string datagram)
    {
        string? heard = null;
        await _world.UntilAsync(
            () => _foreign["monitor"].TryHear(out heard), "the foreign monitor hears something", Patience);
        Check(Fits(heard!, datagram), datagram, heard!);
    }

    private async Task AcceptAsync(string who)
    {
        Talk? talk = null;
        await _world.UntilAsync(() => _foreign[who].TryAccept(out talk), $"somebody calls the foreign {who}", Patience);
        _talks[who] = talk!;
    }

    private async Task CallAsync(string who, string role)
    {
        FakeHost host = HostOf(who);
        string target = host.Name == "here" ? "localhost" : "here";
        int port = role == "index" ? 5050 : role == "monitor" ? 6001 : PortOf(role);
        _talks[who] = new Talk(await host.Dialer.DialAsync(target, port, CancellationToken.None));
    }

    private Task SendDatagram(string who, byte[] datagram) => Done(() =>
    {
        FakeHost host = HostOf(who);
        if (!_datagrams.TryGetValue(host.Name, out IDatagramPort? port))
        {
            port = _datagrams[host.Name] = host.Datagrams.Bind(new IPEndPoint(IPAddress.Any, 9999));
        }
        IPAddress target = host.Name == "here" ? IPAddress.Loopback : _world.Network.Host("here").Address;
        port.Send(datagram, new IPEndPoint(target, 6000));
    });

    private async Task ExpectLineAsync(string who, string expected)
    {
        Talk talk = _talks[who];
        await _world.UntilAsync(
            () => talk.HasLine || talk.IsClosed, expected, Patience, () => $"nothing but '{talk.Unread}'");
        Check(talk.HasLine, expected, $"closed after '{talk.Unread}'");
        string line = talk.TakeLine();
        Check(Fits(line, expected), expected, line);
    }

    private async Task ExpectBytesAsync(string who, byte[] expected)
    {
        Talk talk = _talks[who];
        await _world.UntilAsync(() => talk.UnreadBytes >= expected.Length || talk.IsClosed,
            $"{expected.Length} bytes", Patience, () => $"{talk.UnreadBytes} bytes");
        Check(talk.UnreadBytes >= expected.Length, $"{expected.Length} bytes", $"only {talk.UnreadBytes} bytes");
        CheckBytes(expected, talk.TakeBytes(expected.Length));
    }

    private async Task ExpectNothingAsync(string who)
    {
        await _world.SettleAsync();
        Check(_talks[who] is { UnreadBytes: 0, IsClosed: false }, "nothing, and an open connection",
            $"{(_talks[who].IsClosed ? "closed" : "open")}, '{_talks[who].Unread}'");
    }

    private async Task ExpectClosedAsync(string who)
    {
        await _world.UntilAsync(() => _talks[who].IsClosed, $"the connection of {who} is closed", Patience);
        Check(_talks[who].UnreadBytes == 0, "closed, and no more bytes", _talks[who].Unread);
    }

    private Task Get(string file) => Done(() =>
    {
        FakeHost host = _world.Network.Host("here");
        FileName.TryCreate(file, out FileName name);
        _download = new CdnClient(new ClientOptions(), host.Dialer, host.Time)
            .DownloadAsync(name, _world.Folder["saved"], null, CancellationToken.None);
    });

    private async Task ExpectSavedAsync(byte[] expected)
    {
        await _world.ResultAsync(_download!, "the client saves the file", Patience);
        CheckBytes(expected, _world.Folder.Read("saved")!);
    }

    private async Task ExpectFailedAsync(CdnFailure expected)
    {
        await _world.UntilAsync(() => _download!.IsCompleted, "the client gives up", Patience);
        CdnException failure = await Assert.ThrowsAsync<CdnException>(() => _download!);
        Assert.Equal(expected, failure.Failure);
    }

    private void Check(bool holds, string expected, string actual) => _world.Check(holds, expected, actual);

    private static bool Fits(string line, string expected) =>
        Regex.IsMatch(line, $"^{Regex.Escape(expected).Replace("<number>", "[0-9]+", StringComparison.Ordinal)
            .Replace("<hex>", "[0-9a-f]+", StringComparison.Ordinal)}$");

    private void CheckBytes(byte[] expected, byte[] actual) => Check(
        actual.AsSpan().SequenceEqual(expected), Encoding.UTF8.GetString(expected), Encoding.UTF8.GetString(actual));

    private static (Regex Form, Func<string[], Task> Play) Verb(string form, Func<string[], Task> play) =>
        (new Regex($"^{form.Trim()}$", RegexOptions.CultureInvariant), play);

    private static Task Done(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private static int Number(string word) => int.Parse(word, CultureInfo.InvariantCulture);

    // \n, \r, \\ and \xFF, which is a byte and not a character.
    private static byte[] Unescape(string text)
    {
        List<byte> bytes = [];
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != '\\')
            {
                int length = char.IsHighSurrogate(text[at]) ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(text.Substring(at, length)));
                at += length - 1;
                continue;
            }
            switch (text[++at])
            {
                case 'n':
                    bytes.Add((byte)'\n');
                    break;
                case 'r':
                    bytes.Add((byte)'\r');
                    break;
                case 'x':
                    bytes.Add(Convert.FromHexString(text.AsSpan(at + 1, 2))[0]);
                    at += 2;
                    break;
                default:
                    bytes.Add((byte)text[at]);
                    break;
            }
        }
        return [.. bytes];
    }
}
