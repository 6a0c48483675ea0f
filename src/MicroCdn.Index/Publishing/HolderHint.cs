using System.Buffers;
using System.Net;
using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Remembers over a restart which servers had what is published, until they say so themselves.</summary>
/// <remarks>
/// <para>Think of a doorman who comes back from his holiday: where everybody sat last he still knows, and sends
/// visitors there rather than home, saying that he is not sure. As soon as somebody tells him where he sits now, that
/// counts.</para>
/// <para>Who holds what is soft state: servers tell it, and tell all of it after each start. Until they have, the last
/// known holders are offered as unknown, behind every server that has told; whoever counts copies leaves them out
/// (<see cref="Server.IsRemembered"/>). The file is written aside now and then and never waited for; a lost, old
/// or damaged one costs a client a question in vain, and its reader verifies what it gets.</para>
/// </remarks>
internal sealed partial class HolderHint(
    string path, Catalog catalog, Fleet fleet, Predicate<KeyId?> takes, TimeProvider time, ILogger logger)
{
    /// <summary>How old the file is at most while what it says changes.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    private const uint Form = 0x3148434D;

    // Writing takes at most this part of the time: ten million names are some seconds.
    private const int PartOfTime = 50;

    private readonly HintFile _file = new(path);
    private readonly Lock _turn = new();
    private long _written;

    /// <summary>Takes over what an earlier process knew; before anybody is answered, and after the book is
    /// read.</summary>
    public void Read()
    {
        try
        {
            _file.TryRead(Take);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            LogIgnored(path, exception.Message);
        }
        _written = catalog.Changes;
    }

    /// <summary>Writes it now and then, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        for (TimeSpan pause = Pause; ; )
        {
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
            long began = time.GetTimestamp();
            await Task.Run(Write, CancellationToken.None).ConfigureAwait(false);
            TimeSpan least = PartOfTime * time.GetElapsedTime(began);
            pause = least > Pause ? least : Pause;
        }
    }

    /// <summary>Writes it when something has changed since it was read or written.</summary>
    public void Write()
    {
        lock (_turn)
        {
            long changes = catalog.Changes;
            if (changes == _written) return;
            try
            {
                _file.Replace(Write);
                _written = changes;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                LogNotWritten(path, exception.Message);
            }
        }
    }

    // The number of names, roughly; each with its group, and 0; the groups with their servers; the servers.
    private void Write(BinaryWriter file)
    {
        Catalog.View view = catalog.Now;
        HashSet<int> groups = [];
        file.Write(Form);
        file.Write(view.Names.Count);
        foreach (int row in view.Names)
        {
            int group = view.PublishedSet(row, out FileDigest digest);
            if (group == 0) continue;
            groups.Add(group);
            file.Write(HolderTable.KeyOf(view.NameOf(row), digest));
            file.Write(group);
        }
        file.Write(0UL);
        file.Write(groups.Count);
        HashSet<ushort> members = [];
        foreach (int group in groups)
        {
            ushort[] all = view.Members(group);
            file.Write(group);
            file.Write(all.Length);
            foreach (ushort server in all) file.Write(server);
            members.UnionWith(all);
        }
        // Taken after the names: a server is in the table before it holds anything.
        Server[] servers = fleet.Servers;
        Server[] known = [.. members.Select(number => servers[number])
            .Where(server => server.Contact is not null && !fleet.HasForgotten(server))];
        file.Write(known.Length);
        foreach (Server server in known)
        {
            file.Write((ushort)server.Number);
            file.Write(WordsOf(server, server.Contact!));
        }
    }

    private void Take(BinaryReader file)
    {
        if (file.ReadUInt32() != Form) throw new InvalidDataException("it is of another version");
        int most = file.ReadInt32();
        if (most is < 0 or > Limits.Names) throw Odd();
        HolderTable table = new(most);
        for (int left = most; file.ReadUInt64() is > 0 and var key; left--)
        {
            if (left == 0) throw Odd();
            table.Add(key, file.ReadInt32());
        }
        Dictionary<int, ushort[]> groups = [];
        for (int left = file.ReadInt32(); left > 0; left--)
        {
            int group = file.ReadInt32();
            int length = file.ReadInt32();
            if (length is < 0 or > Limits.Servers) throw Odd();
            groups[group] = [.. Enumerable.Range(0, length).Select(_ => file.ReadUInt16())];
        }
        Dictionary<ushort, ushort> numbers = [];
        for (int left = file.ReadInt32(); left > 0; left--)
        {
            ushort number = file.ReadUInt16();
            if (ServerOf(file.ReadString()) is { } server) numbers[number] = (ushort)server.Number;
        }
        catalog.Recall(table, groups.ToDictionary(group => group.Key, group => (ushort[])
            [.. group.Value.Where(numbers.ContainsKey).Select(number => numbers[number])]));
        LogRecalled(numbers.Count);
    }

    private static InvalidDataException Odd() => new("it says what cannot be");

    // The key that it registered by, the address, and what it said in REGISTER.
    private static string WordsOf(Server server, Contact contact)
    {
        ArrayBufferWriter<byte> facts = new();
        // What it pulls from elsewhere is no file that is published.
        (contact.Facts with { Pulls = [] }).Write(facts);
        KeyId? key = (server.Claim ?? server.Parted?.Claim)?.Key;
        return $"{key?.ToString() ?? "-"} {contact.Address} {server.Id} {contact.TcpPort} {contact.UdpPort}"
            + Encoding.UTF8.GetString(facts.WrittenSpan);
    }

    private Server? ServerOf(string told)
    {
        Words words = new(Encoding.UTF8.GetBytes(told));
        KeyId? key = words.Next(out var proof) && KeyId.TryParse(proof, out KeyId by) ? by : null;
        if (!words.Next(out var place) || !IPAddress.TryParse(Encoding.UTF8.GetString(place), out IPAddress? address)
            || !Registration.TryParse(words, out Registration said, out ServerFacts facts)
            || !ServerId.TryCreate(said.Id, out ServerId id) || !takes(key)) return null;
        return fleet.Remember(id, new Contact(id, address, said.TcpPort, said.UdpPort, facts));
    }

    [LoggerMessage(2095, LogLevel.Information, "{Servers} servers are remembered with what they had, until they say so "
        + "themselves")]
    private partial void LogRecalled(int servers);

    [LoggerMessage(2096, LogLevel.Warning, "'{Path}' is ignored, so nobody is offered before he has registered: "
        + "{Reason}")]
    private partial void LogIgnored(string path, string reason);

    [LoggerMessage(2097, LogLevel.Warning, "who has what is not remembered over a restart: '{Path}' cannot be written: "
        + "{Reason}")]
    private partial void LogNotWritten(string path, string reason);
}
