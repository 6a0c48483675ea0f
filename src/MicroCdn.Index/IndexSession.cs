using System.Net.Sockets;
using System.Text;
using MicroCdn.Index.Figures;
using MicroCdn.Index.Publishing;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Index;

/// <summary>One connection to the index: a client that asks, a content server that registers, or a monitor that
/// tells.</summary>
internal sealed class IndexSession(IndexService service, IPeer peer) : ILineSession
{
    private readonly Guard _guard = new(service.Credentials, service.Trust, peer, service.Complaints);
    private Asker? _asker;
    private ServerLines.AddressWord? _addressOf;
    private byte[]? _localAddress;
    private ServerId? _registering;
    private Contact? _contact;
    private FileList? _list;
    private bool _speaks2;
    // The whole list was told on this version 2 connection: what follows are changes to it.
    private bool _told;
    private Claim? _claim;
    private Testimony? _testimony;
    private PurgeVisit? _purges;
    private OrderVisit? _orders;
    private FiguresVisit? _figures;
    private long _near;

    public bool MayIdle { get; private set; }

    public bool IsOver => _guard.HasLapsed;

    // The names of a pipelined segment lie anywhere among millions: their rows are fetched together.
    public int Foresee(ReadOnlySpan<byte> lines)
    {
        Span<Range> names = stackalloc Range[NameTable.Together];
        int seen = 0, count = 0, at = 0;
        while (seen < names.Length && lines[at..].IndexOf((byte)'\n') is >= 0 and int length)
        {
            if (lines.Slice(at, length).StartsWith("GET "u8)) names[count++] = (at + 4)..(at + length);
            at += length + 1;
            seen++;
        }
        if (count > 1) _near = service.Router.Catalog.Now.BringNear(lines, names[..count]);
        return seen;
    }

    public void Handle(ReadOnlySpan<byte> line, Answer answer)
    {
        if (line.StartsWith("GET "u8))
        {
            HandleGet(new Words(line[4..]).Rest, answer);
            return;
        }
        if (_speaks2 && line.StartsWith("LOCATE "u8))
        {
            HandleLocate(new Words(line[7..]), line, answer);
            return;
        }
        if (line.StartsWith(" "u8))
        {
            Handle(line.TrimStart((byte)' '), answer);
            return;
        }
        Words words = new(line);
        words.Next(out ReadOnlySpan<byte> verb);
        WireError? error = verb switch
        {
            _ when verb.SequenceEqual("ADD_FILE"u8) => HandleAddFile(words, line),
            _ when verb.SequenceEqual("REMOVE_FILE"u8) && _speaks2 => HandleRemoveFile(words, line),
            _ when verb.SequenceEqual("HELLO"u8) => HandleHello(words, answer),
            _ when verb.SequenceEqual("LIST_FILES"u8) => HandleListFiles(words, answer),
            _ when verb.SequenceEqual("LIST_SERVERS"u8) => HandleListServers(words, answer),
            _ when verb.SequenceEqual("AUTH"u8) => HandleAuth(words, answer),
            _ when verb.SequenceEqual("JOIN"u8) && service.Admission is { } admission =>
                admission.HandleJoin(words, _guard.TakeNonce(), peer.Remote, answer),
            _ when verb.SequenceEqual("REGISTER"u8) => RefuseContent() ?? HandleRegister(words, answer),
            _ when verb.SequenceEqual("DONE_FILES"u8) => RefuseContent() ?? HandleDoneFiles(words, answer),
            _ when verb.SequenceEqual("UPDATE_LOAD"u8) => RefuseContent() ?? HandleUpdateLoad(words, answer),
            _ when verb.SequenceEqual("SERVER_DOWN"u8) => RefuseMonitor() ?? HandleServerDown(verb, words, answer),
            _ when verb.SequenceEqual("REPORT"u8) && _speaks2 => HandleReport(words, answer),
            _ when verb.SequenceEqual("DRAIN"u8) && _speaks2 => RefuseContent() ?? HandleDrain(words, true, answer),
            _ when _speaks2 && _registering is null && service.Operators is { } desk && OperatorDesk.Knows(verb) =>
                _guard.Refuses(PeerRole.Operator) ?? desk.Handle(verb, words, answer),
            _ when verb.SequenceEqual("RESUME"u8) && _speaks2 => RefuseContent() ?? HandleDrain(words, false, answer),
            _ when verb.SequenceEqual("PURGE"u8) && _speaks2 =>
                _guard.Refuses(PeerRole.Operator) ?? service.Purges.HandlePurge(words, answer),
            _ when verb.SequenceEqual("PURGES"u8) && _speaks2 => HandlePurges(words, answer),
            _ when _speaks2 && service.Publishing is { } desk && PublishDesk.Knows(verb) =>
                _guard.Refuses(PeerRole.Operator) ?? desk.Handle(verb, words, _addressOf ??= AddressOf, answer),
            _ when _speaks2 && service.Tokens is { } tokens && TokenDesk.Knows(verb) =>
                _guard.Refuses(PeerRole.Operator) ?? tokens.Handle(verb, words, answer),
            _ when verb.SequenceEqual("ORDERS"u8) && _speaks2 && service.Orders is { } orders =>
                HandleOrders(orders, words, answer),
            _ when _speaks2 && service.Orders is { } desk && IsReceipt(verb) => HandleReceipt(desk, line),
            _ when _speaks2 && verb.SequenceEqual("NOTE"u8) => HandleNote(words, answer),
            _ when _speaks2 && FiguresVisit.Knows(verb) => HandleFigures(verb, words, line, answer),
            _ when _speaks2 && Testimony.Knows(verb) => RefuseMonitor() ?? HandleTestimony(verb, words, line, answer),
            _ when verb.SequenceEqual("GET"u8) => WireErrors.Malformed,
            _ when verb.SequenceEqual("LOCATE"u8) && _speaks2 => WireErrors.Malformed,
            _ => WireErrors.UnknownCommand,
        };
        if (error is null) return;
        service.Complaints.Add(peer, error, line);
        answer.Write(error.Line.Span);
    }

    private WireError? RefuseContent() => _guard.Refuses(PeerRole.Content);

    private WireError? RefuseMonitor() => _guard.Refuses(PeerRole.Monitor);

    private WireError? HandleAuth(Words words, Answer answer)
    {
        WireError? error = _guard.HandleAuth(words, answer);
        MayIdle |= _guard.Role != PeerRole.None;
        return error;
    }

    private Asker Asker => _asker ??= new Asker(
        WireAddress.Plain(peer.Remote), OverIPv4: peer.Local.AddressFamily == AddressFamily.InterNetwork);

    private void HandleGet(ReadOnlySpan<byte> name, Answer answer)
    {
        if (service.Router.Choose(name, Asker, out long size, out Contact? contact) is null)
        {
            answer.Write(WireErrors.FileNotFound.Line.Span);
            return;
        }
        answer.Write("SERVER "u8);
        answer.Write(AddressOf(contact!));
        answer.Write(contact!.AfterAddress);
        answer.WriteNumber(size);
        answer.Write("\n"u8);
    }

    private void HandleLocate(Words words, ReadOnlySpan<byte> line, Answer answer)
    {
        if (!LocateRequest.TryParse(words, out LocateRequest message))
        {
            service.Complaints.Add(peer, WireErrors.Malformed, line);
            answer.Write(WireErrors.Malformed.Line.Span);
        }
        else if (service.Whereabouts.Write(message, Asker, _addressOf ??= AddressOf, answer) is { } error)
        {
            answer.Write(error.Line.Span);
        }
    }

    private WireError? HandleHello(Words words, Answer answer)
    {
        if (!Greeting.TryParse(words, out int version)) return WireErrors.Malformed;
        _speaks2 |= version == 2;
        MayIdle |= _speaks2 && _guard.MayStay;
        _guard.Welcome(version, answer);
        return null;
    }

    private WireError? HandleListFiles(Words words, Answer answer)
    {
        if (!words.AtEnd) return WireErrors.Malformed;
        answer.SendList(new FileLines(service.Router));
        return null;
    }

    private WireError? HandleListServers(Words words, Answer answer)
    {
        if (!words.AtEnd) return WireErrors.Malformed;
        answer.SendList(new ServerLines(service.Router, AddressOf, isDetailed: _speaks2));
        return null;
    }

    private WireError? HandleRegister(Words words, Answer answer)
    {
        ServerFacts facts = ServerFacts.None;
        if (!(_speaks2 ? Registration.TryParse(words, out Registration message, out facts)
            : Registration.TryParse(words, out message))) return WireErrors.Malformed;
        ServerId.TryCreate(message.Id, out ServerId id);
        if (_guard.Refuses(PeerRole.Content, id) is { } error) return error;
        if (service.Router.Fleet.Enlist(id) is not { } server) return WireErrors.LimitReached;
        Claim claim = new(facts.Incarnation, peer.Remote, message.TcpPort) { Key = _guard.Seal?.Key };
        if (Claim(server, claim) is { } refusal) return refusal;
        _registering = id;
        _contact = new Contact(id, peer.Remote, message.TcpPort, message.UdpPort, facts);
        (_list, _told) = (NewList(), false);
        // A server may take its time to walk over its files before it tells them.
        MayIdle = true;
        answer.Write("OK REGISTERED\n"u8);
        return null;
    }

    // Of two processes with one id one is refused, and both are named.
    private WireError? Claim(Server server, Claim claim)
    {
        if (service.Router.Fleet.Take(server, claim) is { } other)
        {
            service.LogTwins(server.Id, claim.Address, claim.TcpPort, claim.Incarnation, other.Address, other.TcpPort,
                other.Incarnation);
            return WireErrors.Twin;
        }
        Release(unless: server);
        _claim = claim;
        return null;
    }

    private void Release(Server? unless)
    {
        if (_claim is null || service.Router.Fleet.Find(_registering!.Value) is not { } held || held == unless) return;
        service.Router.Fleet.Release(held, _claim, _guard.HasLapsed);
    }

    // A refused ADD_FILE is counted and logged, not answered: version 1 servers take an answer here for a failure of
    // the whole registration.
    private WireError? HandleAddFile(Words words, ReadOnlySpan<byte> line) => Quietly(AddFile(words), line);

    private WireError? AddFile(Words words)
    {
        if (List() is not { } list) return RefuseContent() ?? WireErrors.NotRegistered;
        if (!(_speaks2 ? FileAnnouncement.TryParse2(words, out FileAnnouncement message)
            : FileAnnouncement.TryParse(words, out message))) return WireErrors.Malformed;
        if (!IsOwnId(message.Id)) return WireErrors.NotRegistered;
        if (list.Count >= Limits.FilesPerServer) return WireErrors.LimitReached;

        Span<byte> decoded = stackalloc byte[Limits.LineBytes];
        ReadOnlySpan<byte> name = decoded[..PercentText.Decode(message.Name, decoded)];
        if (!FileName.IsValid(name)) return WireErrors.Malformed;
        list.Add(name, new FileState(message.Size, message.Digest, message.UnixSeconds, message.Root),
            message.Revision);
        return null;
    }

    private WireError? HandleRemoveFile(Words words, ReadOnlySpan<byte> line) => Quietly(RemoveFile(words), line);

    private WireError? RemoveFile(Words words)
    {
        if (List() is not { } list) return RefuseContent() ?? WireErrors.NotRegistered;
        if (!FileRemoval.TryParse(words, out FileRemoval message)) return WireErrors.Malformed;
        if (!IsOwnId(message.Id)) return WireErrors.NotRegistered;
        if (list.Count >= Limits.FilesPerServer) return WireErrors.LimitReached;

        Span<byte> decoded = stackalloc byte[Limits.LineBytes];
        ReadOnlySpan<byte> name = decoded[..PercentText.Decode(message.Name, decoded)];
        if (!FileName.IsValid(name)) return WireErrors.Malformed;
        list.Remove(name);
        return null;
    }

    // The list being told; after a whole one in version 2, a list of changes. Null before REGISTER.
    private FileList? List() => _list ??= _told ? NewList() : null;

    private FileList NewList() => new(service.Router.Catalog.Now);

    private bool IsOwnId(ReadOnlySpan<byte> id)
    {
        Span<byte> own = stackalloc byte[Limits.ServerIdBytes];
        int length = Encoding.UTF8.GetBytes(_registering!.Value.Value, own);
        return id.SequenceEqual(own[..length]);
    }

    private WireError? HandleDoneFiles(Words words, Answer answer)
    {
        if (!(_speaks2 ? words.OnlyUnknownPairs() : words.AtEnd)) return WireErrors.Malformed;
        if (List() is not { } list) return WireErrors.NotRegistered;
        if (service.Router.Fleet.Find(_registering!.Value)?.Claim is { } holder && holder.Excludes(_claim!))
        {
            return WireErrors.Twin;
        }
        // The list is put in place by the catalog's one writer, off this thread: a million files take a while.
        answer.Later();
        service.Applied.Enqueue(new Application(_registering!.Value, _contact!, list, answer, IsChange: _told));
        (_list, _told) = (null, _speaks2);
        return null;
    }

    private WireError? HandleUpdateLoad(Words words, Answer answer)
    {
        if (!LoadUpdate.TryParse(words, out LoadUpdate message)) return WireErrors.Malformed;
        if (!ServerId.TryCreate(message.Id, out ServerId id)) return WireErrors.UnknownServer;
        if (_guard.Refuses(PeerRole.Content, id) is { } error) return error;
        if (!service.Router.Fleet.UpdateLoad(id, message.Load)) return WireErrors.UnknownServer;
        answer.Write("OK\n"u8);
        return null;
    }

    private WireError? HandleServerDown(ReadOnlySpan<byte> verb, Words words, Answer answer)
    {
        // Who said which monitor it is speaks of incarnations and events.
        if (_testimony is not null) return _testimony.Handle(verb, words, answer, out _);
        if (!ServerDown.TryParse(words, out ServerDown message)) return WireErrors.Malformed;
        if (!ServerId.TryCreate(message.Id, out ServerId id)) return WireErrors.Malformed;
        // A server we never heard of gets no clients either, so the monitor need not ask again.
        service.Router.Fleet.MarkDead(id, WireAddress.Plain(peer.Remote));
        answer.Write("OK SERVER_MARKED_DEAD\n"u8);
        return null;
    }

    private WireError? HandleTestimony(
        ReadOnlySpan<byte> verb, Words words, ReadOnlySpan<byte> line, Answer answer)
    {
        // It speaks for the monitor that it proved to be.
        if (verb.SequenceEqual("MONITOR"u8) && OneId.TryParse(words, out ServerId id)
            && _guard.Refuses(PeerRole.Monitor, id) is { } refusal) return refusal;
        _testimony ??= new Testimony(service.Router.Fleet, peer);
        WireError? error = _testimony.Handle(verb, words, answer, out bool isSilent);
        return isSilent ? Quietly(error, line) : error;
    }

    private WireError? HandleFigures(ReadOnlySpan<byte> verb, Words words, ReadOnlySpan<byte> line, Answer answer)
    {
        _figures ??= new FiguresVisit(service.Figures, service.Downloads, _guard, service.Router.Fleet.Time);
        WireError? error = _figures.Handle(verb, words, answer, out bool isSilent);
        return isSilent ? Quietly(error, line) : error;
    }

    // What is not answered is counted and logged.
    private WireError? Quietly(WireError? error, ReadOnlySpan<byte> line)
    {
        if (error is not null) service.Complaints.Add(peer, error, line);
        return null;
    }

    private WireError? HandleReport(Words words, Answer answer)
    {
        if (!TroubleReport.TryParse(words, out TroubleReport report)) return WireErrors.Malformed;
        if (service.Reports.Take(report, peer) is { } refusal) return refusal;
        answer.Write("OK REPORTED\n"u8);
        return null;
    }

    // A server says this of itself, on the connection by which it is registered.
    private WireError? HandleDrain(Words words, bool drains, Answer answer)
    {
        if (!OneId.TryParse(words, out ServerId id)) return WireErrors.Malformed;
        if (id != _registering || service.Router.Fleet.Find(id) is not { } server || server.Claim != _claim)
        {
            return WireErrors.NotRegistered;
        }
        service.Router.Fleet.Drain(server, drains);
        answer.Write(drains ? "OK DRAINING\n"u8 : "OK RESUMED\n"u8);
        return null;
    }

    private WireError? HandlePurges(Words words, Answer answer)
    {
        if (!PurgesQuestion.TryParse(words, out PurgesQuestion question)) return WireErrors.Malformed;
        ServerId.TryCreate(question.Id, out ServerId id);
        if (_guard.Refuses(PeerRole.Content, id) is { } refusal) return refusal;
        if (_purges is not null && _purges.Server != id) return WireErrors.Malformed;
        return service.Purges.HandlePurges(_purges ??= new PurgeVisit(id), question, answer);
    }

    private WireError? HandleOrders(OrderDesk desk, Words words, Answer answer)
    {
        if (!OrdersQuestion.TryParse(words, out OrdersQuestion question)) return WireErrors.Malformed;
        ServerId.TryCreate(question.Id, out ServerId id);
        if (_guard.Refuses(PeerRole.Content, id) is { } refusal) return refusal;
        if (_orders is not null && _orders.Server != id) return WireErrors.Malformed;
        desk.HandleOrders(_orders ??= new OrderVisit(id, _addressOf ??= AddressOf), question, answer);
        MayIdle = true;
        return null;
    }

    private static bool IsReceipt(ReadOnlySpan<byte> verb) => verb.SequenceEqual("DONE"u8)
        || verb.SequenceEqual("FAILED"u8) || verb.SequenceEqual("STORED"u8) || verb.SequenceEqual("LOST"u8);

    // A receipt is not answered: many come in one segment, and NOTE after them is.
    private WireError? HandleReceipt(OrderDesk desk, ReadOnlySpan<byte> line)
    {
        WireError? error = !Receipt.TryParse(line, out Receipt? receipt) ? WireErrors.Malformed
            : _guard.Refuses(PeerRole.Content, receipt!.Server);
        if (error is null) desk.HandleReceipt(receipt!);
        else service.Complaints.Add(peer, error, line);
        return null;
    }

    private WireError? HandleNote(Words words, Answer answer)
    {
        if (!OneId.TryParse(words, out ServerId id)) return WireErrors.Malformed;
        if (_guard.Refuses(PeerRole.Content, id) is { } refusal) return refusal;
        MayIdle = true;
        answer.Write("OK NOTED\n"u8);
        return null;
    }

    public void End()
    {
        if (_orders is not null) service.Orders!.End(_orders);
        if (_purges is not null) service.Purges.End(_purges);
        _testimony?.End();
        Release(unless: null);
    }

    private ReadOnlySpan<byte> AddressOf(Contact contact) => contact.IsLoopback
        ? _localAddress ??= Encoding.UTF8.GetBytes(WireAddress.Format(peer.Local)) : contact.AddressWord;
}
