using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>LIST_FILES: every file that some live server holds, a piece at a time.</summary>
internal sealed class FileLines : ILineSource
{
    private const int LongestLine = (3 * Limits.NameBytes) + 64;
    private readonly Fleet _fleet;
    private readonly Catalog.View _view;
    private readonly int _end;
    private int _next;

    public FileLines(Router router)
    {
        (_fleet, _view) = (router.Fleet, router.Catalog.Now);
        _end = _view.Names.End;
    }

    public bool Write(Answer answer)
    {
        Server[] servers = _fleet.Servers;
        int before = answer.UnsentBytes;
        for (; _next < _end; _next = _view.Names.After(_next))
        {
            if (answer.UnsentBytes - before > Answer.PieceBytes - LongestLine) return true;
            if (!IsAvailable(_view.Holders(_next, servers, out long size), servers)) continue;
            answer.Write("FILE "u8);
            PercentText.Encode(_view.NameOf(_next), answer);
            answer.Write(" "u8);
            answer.WriteNumber(size);
            answer.Write("\n"u8);
        }
        answer.Write("END\n"u8);
        return false;
    }

    private static bool IsAvailable(ReadOnlySpan<ushort> holders, Server[] servers)
    {
        foreach (ushort holder in holders)
        {
            if (holder < servers.Length && servers[holder].IsAsked) return true;
        }
        return false;
    }
}

/// <summary>LIST_SERVERS: every server that ever completed a registration, with its state.</summary>
/// <param name="router">The index.</param>
/// <param name="addressOf">The address that this asker is told for a server.</param>
/// <param name="isDetailed">The asker speaks version 2: state and reason follow.</param>
internal sealed class ServerLines(Router router, ServerLines.AddressWord addressOf, bool isDetailed) : ILineSource
{
    private const int ReasonBytes = 512;
    private const int LongestLine = Limits.ServerIdBytes + 256 + (3 * ReasonBytes);
    private readonly Server[] _servers = router.Fleet.Servers;
    private readonly Disagreements? _disagreements = isDetailed ? Disagreements.Of(router) : null;
    private int _next;

    /// <summary>The address that this asker is told for a server.</summary>
    internal delegate ReadOnlySpan<byte> AddressWord(Contact contact);

    public bool Write(Answer answer)
    {
        int before = answer.UnsentBytes;
        for (; _next < _servers.Length; _next++)
        {
            if (answer.UnsentBytes - before > Answer.PieceBytes - LongestLine) return true;
            Server server = _servers[_next];
            if (server.Contact is not { } contact) continue;
            ServerState state = server.State;
            answer.Write("SERVER "u8);
            answer.WriteText(server.Id.Value);
            answer.Write(" "u8);
            answer.Write(addressOf(contact));
            answer.Write(Encoding.UTF8.GetBytes($" {contact.TcpPort} {server.Load} "));
            answer.Write(state.IsAliveInVersion1() ? "alive"u8 : "dead"u8);
            if (isDetailed) WriteDetails(server, state, answer);
            answer.Write("\n"u8);
        }
        answer.Write("END\n"u8);
        return false;
    }

    private void WriteDetails(Server server, ServerState state, Answer answer)
    {
        answer.Write(" state="u8);
        answer.Write(state.Word());
        string why = string.Join("; ",
            new[] { server.Why, _disagreements!.About(server) }.Where(reason => reason.Length > 0));
        if (why.Length == 0) return;
        answer.Write(" why="u8);
        byte[] words = Encoding.UTF8.GetBytes(why);
        PercentText.Encode(words.AsSpan(0, Math.Min(ReasonBytes, words.Length)), answer);
    }
}
