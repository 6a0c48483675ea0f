using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index.Publishing;

/// <summary>Tells operators what is published under which names, and gives files other names.</summary>
internal sealed class NameDesk(Book book, NameTurns turns, PublishRounds rounds, Router router)
{
    // Each looks at all names there are.
    private const int MostScans = 4;

    private int _scans;

    /// <summary>True for a verb that is answered here.</summary>
    public static bool Knows(ReadOnlySpan<byte> verb) =>
        verb.SequenceEqual("MOVE"u8) || verb.SequenceEqual("STAT"u8) || verb.SequenceEqual("PUBLISHED"u8);

    /// <summary>Answers an operator.</summary>
    public WireError? Handle(ReadOnlySpan<byte> verb, Words words, ServerLines.AddressWord addressOf, Answer answer) =>
        verb.SequenceEqual("MOVE"u8) ? HandleMove(words, answer)
            : verb.SequenceEqual("STAT"u8) ? HandleStat(words, addressOf, answer) : HandlePublished(words, answer);

    /// <summary>Reads a name that is one word; false when it is none.</summary>
    public static bool TryName(ref Words words, out byte[] name)
    {
        name = [];
        if (!words.Next(out var encoded)) return false;
        byte[] decoded = new byte[encoded.Length];
        name = decoded[..PercentText.Decode(encoded, decoded)];
        return FileName.IsValid(name);
    }

    // No byte moves: the servers that have the old name show the new one.
    private WireError? HandleMove(Words words, Answer answer)
    {
        if (!TryName(ref words, out byte[] old) || !TryName(ref words, out byte[] name)) return WireErrors.Malformed;
        bool isForced = false;
        while (words.NextPair(out var key, out var value))
        {
            isForced |= key.SequenceEqual("force"u8) && value.SequenceEqual("1"u8);
        }
        if (!words.AtEnd || old.AsSpan().SequenceEqual(name)) return WireErrors.Malformed;
        return rounds.Begin(answer, told => MoveAsync(old, name, isForced, told));
    }

    private async Task<WireError?> MoveAsync(byte[] old, byte[] name, bool isForced, LongAnswer told)
    {
        (WireError? refusal, long revision, List<NameTurn> turned) = await turns.WriteAsync((_, all, _) =>
        {
            if (!book.TryFind(old, out PublishedName file)) return WireErrors.FileNotFound;
            if (!isForced && book.TryFind(name, out _)) return WireErrors.Exists;
            all.Add(new NameTurn(new FileCopies(name, file), turns.HoldersOf(old)));
            all.Add(NameTurn.Away(old));
            return null;
        }).ConfigureAwait(false);
        if (refusal is not null) return refusal;
        await turns.ShowAsync(revision, turned).ConfigureAwait(false);
        told.Say(Encoding.UTF8.GetBytes($"MOVED {revision}\nEND\n"));
        return null;
    }

    private WireError? HandleStat(Words words, ServerLines.AddressWord addressOf, Answer answer)
    {
        if (!TryName(ref words, out byte[] name) || !words.OnlyUnknownPairs()) return WireErrors.Malformed;
        if (!book.TryFind(name, out PublishedName published)) return WireErrors.FileNotFound;
        int copies = published.Replicas > 0 ? published.Replicas : book.Policies.Of(name).Replicas;
        answer.Write(Encoding.UTF8.GetBytes(PublishedLines.LineOf(name, published).TrimEnd('\n')
            + $" copies={copies}{(published.IsSpread ? " spread=1" : "")}\n"));
        foreach (ushort holder in turns.HoldersOf(name))
        {
            Server[] servers = router.Fleet.Servers;
            if (holder >= servers.Length || servers[holder].Contact is not { } contact) continue;
            if (answer.Room < Limits.LineBytes) break;
            answer.Write("SERVER "u8);
            answer.Write(addressOf(contact));
            answer.Write(contact.AfterAddress);
            answer.WriteNumber(published.State.Size);
            answer.Write(" state="u8);
            answer.Write(servers[holder].State.Word());
            answer.Write("\n"u8);
        }
        answer.Write("END\n"u8);
        return null;
    }

    // All names are looked at, aside: they are in no order.
    private WireError? HandlePublished(Words words, Answer answer)
    {
        byte[] prefix = [];
        ServerId? release = null;
        Words look = words;
        if (look.Next(out var first) && !first.StartsWith("release="u8))
        {
            words = look;
            byte[] decoded = new byte[first.Length];
            prefix = decoded[..PercentText.Decode(first, decoded)];
        }
        while (words.NextPair(out var key, out var value))
        {
            if (!key.SequenceEqual("release"u8)) continue;
            if (!ServerId.TryCreate(value, out ServerId read)) return WireErrors.Malformed;
            release = read;
        }
        if (!words.AtEnd) return WireErrors.Malformed;
        if (Interlocked.Increment(ref _scans) > MostScans)
        {
            Interlocked.Decrement(ref _scans);
            return WireErrors.Busy;
        }
        PublishedLines lines = new(answer);
        answer.SendList(lines);
        _ = Task.Run(() =>
        {
            try
            {
                lines.Have(release is { } staged ? StagedBelow(staged, prefix) : PublishedBelow(prefix));
            }
            finally
            {
                Interlocked.Decrement(ref _scans);
            }
        });
        return null;
    }

    private IEnumerable<string> PublishedBelow(byte[] prefix)
    {
        Catalog.View view = router.Catalog.Now;
        List<int> found = [];
        foreach (int row in view.Names)
        {
            if (view.NameOf(row).StartsWith(prefix) && view.TryPublished(row, out _)) found.Add(row);
        }
        return found.Select(row => view.TryPublished(row, out PublishedName published)
            ? PublishedLines.LineOf(view.NameOf(row), published) : "");
    }

    private IEnumerable<string> StagedBelow(ServerId release, byte[] prefix) =>
        book.Releases.StagedIn(release).Files
            .Select(file => (Name: Encoding.UTF8.GetBytes(file.Name.Value), file.File))
            .Where(file => file.Name.AsSpan().StartsWith(prefix))
            .Select(file => PublishedLines.LineOf(file.Name, file.File));
}

/// <summary>The answer to PUBLISHED: lines once they are found, a piece at a time.</summary>
internal sealed class PublishedLines(Answer answer) : ILineSource
{
    private const int LongestLine = (3 * Limits.NameBytes) + 256;
    private volatile IEnumerator<string>? _lines;

    /// <summary>One line about a name, LF included; one that is to be removed has neither size nor digest.</summary>
    public static string LineOf(ReadOnlySpan<byte> name, in PublishedName published)
    {
        System.Buffers.ArrayBufferWriter<byte> word = new();
        PercentText.Encode(name, word);
        string encoded = Encoding.UTF8.GetString(word.WrittenSpan);
        if (published.IsRemoved) return $"REMOVED {encoded} {published.Revision}\n";
        FileState state = published.State;
        return $"NAME {encoded} {state.Size} {published.Revision} sha256={state.Digest}"
            + $"{(Chunks.FollowFromDigest(state.Size) || state.ToldRoot.IsNone ? "" : $" chunks={state.ToldRoot}")}"
            + $"{(state.UnixSeconds < 0 ? "" : $" time={state.UnixSeconds}")}\n";
    }

    /// <summary>What was found; from any thread.</summary>
    public void Have(IEnumerable<string> lines)
    {
        _lines = lines.GetEnumerator();
        answer.Wake();
    }

    public bool Write(Answer target)
    {
        if (_lines is not { } lines) return true;
        int before = target.UnsentBytes;
        while (target.UnsentBytes - before <= Answer.PieceBytes - LongestLine)
        {
            if (lines.MoveNext())
            {
                target.WriteText(lines.Current);
                continue;
            }
            target.Write("END\n"u8);
            return false;
        }
        return true;
    }
}
