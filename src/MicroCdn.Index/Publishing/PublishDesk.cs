using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Takes files from operators: says where to bring their bytes, sees to the copies, and writes the
/// book.</summary>
/// <remarks>A put is three steps, and only the last changes something. PLACE says which servers a file belongs on. The
/// client brings the bytes to the first of them. PUBLISH has the others fetch them, writes the book when enough servers
/// have them, and has the name shown. Nothing is remembered in between: who repeats a step repeats nothing that is
/// done.</remarks>
internal sealed partial class PublishDesk
{
    private readonly Book _book;
    private readonly Scribe _scribe;
    private readonly OrderDesk _orders;
    private readonly Router _router;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly PublishRounds _rounds;
    private readonly CopyRounds _copies;
    private readonly NameTurns _turns;
    private readonly NameDesk _names;
    private readonly ReleaseDesk _releases;

    public PublishDesk(
        Book book, Scribe scribe, OrderDesk orders, Router router, TimeProvider time, ILogger logger)
    {
        (_book, _scribe, _orders, _router, _time, _logger) = (book, scribe, orders, router, time, logger);
        _rounds = new PublishRounds(logger);
        _copies = new CopyRounds(book, orders, router, logger);
        _turns = new NameTurns(book, scribe, orders, router, time);
        _names = new NameDesk(book, _turns, _rounds, router);
        _releases = new ReleaseDesk(book, scribe, _copies, _turns, _rounds, orders, router, time, logger);
    }

    /// <summary>Who writes the book.</summary>
    public Scribe Scribe => _scribe;

    /// <summary>True for a verb that is answered here.</summary>
    public static bool Knows(ReadOnlySpan<byte> verb) => verb.SequenceEqual("PLACE"u8)
        || verb.SequenceEqual("PUBLISH"u8) || verb.SequenceEqual("REMOVE"u8) || verb.SequenceEqual("WRITER"u8)
        || NameDesk.Knows(verb) || ReleaseDesk.Knows(verb);

    /// <summary>Answers an operator.</summary>
    public WireError? Handle(ReadOnlySpan<byte> verb, Words words, ServerLines.AddressWord addressOf, Answer answer) =>
        _scribe.IsElsewhere(verb, answer, out WireError? error) ? error : verb switch
        {
            _ when verb.SequenceEqual("PLACE"u8) => HandlePlace(words, addressOf, answer),
            _ when verb.SequenceEqual("PUBLISH"u8) => HandlePublish(words, answer),
            _ when verb.SequenceEqual("REMOVE"u8) => HandleRemove(words, answer),
            _ when NameDesk.Knows(verb) => _names.Handle(verb, words, addressOf, answer),
            _ => _releases.Handle(verb, words, answer),
        };

    // Where a file's bytes are to be brought, the best first.
    private WireError? HandlePlace(Words words, ServerLines.AddressWord addressOf, Answer answer)
    {
        if (PublishRequest.Read(words) is not { } request) return WireErrors.Malformed;
        if (IsOther(request.Name, request.IsNew, request.Match)) return WireErrors.Exists;
        FileCopies file = FileOf(request);
        List<Server> order = InOrder(request, file);
        if (order.Count < _copies.WantedOf(file)) return WireErrors.NoRoom;
        foreach (Server server in order)
        {
            Contact contact = server.Contact!;
            answer.Write("SERVER "u8);
            answer.Write(addressOf(contact));
            answer.Write(contact.AfterAddress);
            answer.WriteNumber(request.Size);
            answer.Write("\n"u8);
            if (answer.Room < Limits.LineBytes) break;
        }
        answer.Write("END\n"u8);
        return null;
    }

    private WireError? HandlePublish(Words words, Answer answer)
    {
        if (PublishRequest.Read(words) is not { } request || request.At.Count == 0) return WireErrors.Malformed;
        return _rounds.Begin(answer, told => PublishAsync(request, told));
    }

    private WireError? HandleRemove(Words words, Answer answer)
    {
        if (!NameDesk.TryName(ref words, out byte[] name)) return WireErrors.Malformed;
        (ServerId? release, long match) = (null, 0);
        while (words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("match"u8) && !Words.IsNumber(value, out match)) return WireErrors.Malformed;
            if (!key.SequenceEqual("release"u8)) continue;
            if (!ServerId.TryCreate(value, out ServerId read)) return WireErrors.Malformed;
            release = read;
        }
        if (!words.AtEnd) return WireErrors.Malformed;
        return _rounds.Begin(answer, told => release is { } staged
            ? StageAsync(staged, new FileCopies(name, default, 0, false), isNew: false, match, told)
            : RemoveAsync(name, match, told));
    }

    private async Task<WireError?> PublishAsync(PublishRequest request, LongAnswer told)
    {
        if (request.UnixSeconds < 0) request = request with { UnixSeconds = _time.GetUtcNow().ToUnixTimeSeconds() };
        FileCopies file = FileOf(request);
        Contact[] sources = [.. request.At.Select(id => _router.Fleet.Find(id)?.Contact).OfType<Contact>()];
        List<Server> holders = await _copies.BringAsync(file, InOrder(request, file), sources,
            server => told.Say(Encoding.UTF8.GetBytes($"COPY {server.Id}\n"))).ConfigureAwait(false);
        if (holders.Count < _copies.WantedOf(file)) return WireErrors.NoRoom;
        if (request.Release is { } release)
        {
            return await StageAsync(release, file, request.IsNew, request.Match, told).ConfigureAwait(false);
        }
        (WireError? refusal, long revision, List<NameTurn> turns) = await _turns.WriteAsync((_, all, _) =>
        {
            if (IsOther(request.Name, request.IsNew, request.Match)) return WireErrors.Exists;
            all.Add(new NameTurn(file, [.. holders.Select(server => (ushort)server.Number)]));
            return null;
        }).ConfigureAwait(false);
        if (refusal is not null) return refusal;
        await _turns.ShowAsync(revision, turns).ConfigureAwait(false);
        LogPublished(Encoding.UTF8.GetString(request.Name), revision, holders.Count);
        told.Say(Encoding.UTF8.GetBytes($"PUBLISHED {revision}\nEND\n"));
        return null;
    }

    private async Task<WireError?> StageAsync(
        ServerId release, FileCopies file, bool isNew, long match, LongAnswer told)
    {
        long revision = 0;
        WireError? refusal = await _scribe.WriteAsync((number, rows) =>
        {
            revision = number;
            if (IsOther(file.Name, isNew, match)) return WireErrors.Exists;
            return _releases.Stage(release, file, number, rows);
        }).ConfigureAwait(false);
        if (refusal is null) told.Say(Encoding.UTF8.GetBytes($"STAGED {revision}\nEND\n"));
        return refusal;
    }

    private async Task<WireError?> RemoveAsync(byte[] name, long match, LongAnswer told)
    {
        (WireError? refusal, long revision, List<NameTurn> turns) = await _turns.WriteAsync((_, all, _) =>
        {
            if (!_book.TryFind(name, out _)) return WireErrors.FileNotFound;
            if (IsOther(name, isNew: false, match)) return WireErrors.Exists;
            all.Add(NameTurn.Away(name));
            return null;
        }).ConfigureAwait(false);
        if (refusal is not null) return refusal;
        await _turns.ShowAsync(revision, turns).ConfigureAwait(false);
        told.Say(Encoding.UTF8.GetBytes($"REMOVED {revision}\nEND\n"));
        return null;
    }

    private List<Server> InOrder(PublishRequest request, FileCopies file) =>
        _copies.InOrder(file, server => request.At.Contains(server.Id), _orders.Places);

    // Whoever may not replace what he does not know is told so.
    private bool IsOther(byte[] name, bool isNew, long match)
    {
        bool isThere = _book.TryFind(name, out PublishedName now);
        return (isNew && isThere) || (match > 0 && (!isThere || now.Revision != match));
    }

    private static FileCopies FileOf(PublishRequest request) => new(request.Name,
        new FileState(request.Size, request.Digest, request.UnixSeconds, request.Root), request.Replicas,
        request.IsSpread);

    [LoggerMessage(2052, LogLevel.Information, "'{Name}' is published as revision {Revision}, with {Copies} copies")]
    private partial void LogPublished(string name, long revision, int copies);
}
