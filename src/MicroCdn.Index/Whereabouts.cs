using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>Answers LOCATE: what a file is, and the servers that have it in the order in which they should be
/// asked.</summary>
/// <remarks>Nothing is allocated unless the servers' URLs are so long that the answer does not fit one piece.</remarks>
internal sealed class Whereabouts(Router router)
{
    // More than any client turns to, and the whole of the fleet that we build for.
    private const int MostServers = 64;

    // Id, address, ports and size, all within a line's limits, and the URL in its percent-encoded form.
    private const int LongestLine = 512 + Limits.ServerIdBytes + (3 * Limits.UrlBytes);

    [ThreadStatic]
    private static Candidate[]? t_ranked;

    private readonly Candidates _candidates = new(router);

    /// <summary>For how long this index cannot tell whether it knows what is published; null when it can.</summary>
    public Func<TimeSpan?> BehindBy { get; init; } = () => null;

    /// <summary>Writes the answer, or says why there is none, with nothing written: nobody has the file, or everybody
    /// who has it is down or has not told yet.</summary>
    public WireError? Write(
        scoped in LocateRequest message, Asker asker, ServerLines.AddressWord addressOf, Answer answer)
    {
        Catalog.View view = router.Catalog.Now;
        int row = view.Find(message.Name);
        if (row < 0) return WireErrors.FileNotFound;
        ushort[] holders = view.Holders(row, router.Fleet.Servers, out FileState state);
        FileEntry entry = new(state, holders, router.Fleet.Servers);

        Candidate[] ranked = t_ranked ??= new Candidate[MostServers];
        int count = _candidates.Rank(entry, asker with { Not = message.FirstUnwanted }, ranked);
        count = ToFront(ranked.AsSpan(0, count), message);
        if (count == 0) return IsKnown(view, row, entry) ? WireErrors.Unavailable : WireErrors.FileNotFound;
        ranked[0].Server.CountAnswer();
        router.Popularity.Note(row);
        int before = answer.UnsentBytes;
        WriteFile(view.NameOf(row), state, answer);
        LocatedServers servers = new(ranked.AsMemory(0, count), state.Size, addressOf);
        if (servers.Write(answer, before)) answer.SendList(servers.Aside());
        ranked.AsSpan(0, count).Clear();
        return null;
    }

    // What is published is there, also where an index has just started and no server has told of it yet: whoever asks
    // is to ask again, and not to believe that there is no such file.
    private static bool IsKnown(in Catalog.View view, int row, in FileEntry entry) =>
        entry.Count > 0 || view.TryPublished(row, out _);

    // Those to be asked, the unwanted behind the others; returns how many.
    private static int ToFront(Span<Candidate> ranked, scoped in LocateRequest message)
    {
        int kept = 0;
        foreach (Candidate candidate in ranked)
        {
            if (candidate.Exclusion is Exclusion.None or Exclusion.NotWanted) ranked[kept++] = candidate;
        }
        if (message.FirstUnwanted is null) return kept;
        Span<byte> id = stackalloc byte[Limits.ServerIdBytes];
        // Stable, and short: each unwanted one moves behind all that came after it, once.
        for (int at = 0, left = kept; left > 0; left--)
        {
            Candidate candidate = ranked[at];
            int length = System.Text.Encoding.UTF8.GetBytes(candidate.Server.Id.Value, id);
            if (!message.IsUnwanted(id[..length]))
            {
                at++;
                continue;
            }
            ranked[(at + 1)..kept].CopyTo(ranked[at..]);
            ranked[kept - 1] = candidate;
        }
        return kept;
    }

    private void WriteFile(ReadOnlySpan<byte> name, in FileState state, Answer answer)
    {
        answer.Write("FILE "u8);
        PercentText.Encode(name, answer);
        answer.Write(" "u8);
        answer.WriteNumber(state.Size);
        if (!state.Digest.IsNone)
        {
            answer.Write(" sha256="u8);
            state.Digest.WriteHex(answer);
        }
        FileDigest root = state.Root;
        if (!root.IsNone)
        {
            answer.Write(" chunks="u8);
            root.WriteHex(answer);
        }
        if (state.UnixSeconds >= 0)
        {
            answer.Write(" time="u8);
            answer.WriteNumber(state.UnixSeconds);
        }
        if (BehindBy() is { } behind)
        {
            answer.Write(" behind="u8);
            answer.WriteNumber((long)behind.TotalSeconds);
        }
        answer.Write("\n"u8);
    }

    /// <summary>The SERVER lines and END of one answer, a piece at a time.</summary>
    private struct LocatedServers(ReadOnlyMemory<Candidate> servers, long size, ServerLines.AddressWord addressOf)
    {
        private int _next;

        // True when there is more than fits the piece.
        public bool Write(Answer answer, int before)
        {
            for (; _next < servers.Length; _next++)
            {
                if (answer.UnsentBytes - before > Answer.PieceBytes - LongestLine) return true;
                WriteServer(servers.Span[_next].Server, answer);
            }
            answer.Write("END\n"u8);
            return false;
        }

        // What is left, for later: the field that holds it is the thread's, and serves the next answer.
        public readonly Rest Aside() => new(
            new LocatedServers(servers[_next..].ToArray(), size, addressOf));

        private readonly void WriteServer(Server server, Answer answer)
        {
            // Who has a contact once never loses it again, and only such a one may be asked.
            Contact contact = server.Contact!;
            ReadOnlySpan<byte> address = addressOf(contact);
            answer.Write("SERVER "u8);
            answer.Write(address);
            answer.Write(contact.AfterAddress);
            answer.WriteNumber(size);
            answer.Write(" state="u8);
            answer.Write(server.State.Word());
            if (contact.WebScheme.Length > 0)
            {
                answer.Write(" http="u8);
                answer.Write(contact.WebScheme);
                if (contact.WebAuthority.Length > 0) WriteAuthority(address, contact.WebAuthority, answer);
            }
            answer.Write("\n"u8);
        }

        // An IPv6 literal stands in brackets (RFC 3986, section 3.2.2).
        private static void WriteAuthority(ReadOnlySpan<byte> address, byte[] behind, Answer answer)
        {
            bool brackets = address.Contains((byte)':');
            if (brackets) answer.Write("["u8);
            answer.Write(address);
            if (brackets) answer.Write("]"u8);
            answer.Write(behind);
        }
    }

    private sealed class Rest(LocatedServers servers) : ILineSource
    {
        private LocatedServers _servers = servers;

        public bool Write(Answer answer) => _servers.Write(answer, answer.UnsentBytes);
    }
}
