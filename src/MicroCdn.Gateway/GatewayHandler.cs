using System.Buffers;
using System.Net;
using System.Text;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway;

/// <summary>Answers every GET for a file with the way to a live copy of it, or with what is known of it.</summary>
/// <remarks>
/// 1. The path becomes a name; what is no name finds nothing. 2. The name is looked up: a file; else a file with
/// <c>.meta4</c> or <c>.sha256</c> behind it; else a question after our health. 3. What is wanted of it, by query and
/// Accept. 4. Its servers are put in order. 5. The redirect, the relay, or the page. What is no file may be a path that
/// servers pull from an origin (<see cref="Pulling"/>), which takes every method. One handler for each port: it knows
/// over which scheme its clients come.
/// </remarks>
internal sealed class GatewayHandler(
    GatewayOptions options, FileDirectory directory, Relays? relays, Pieces pieces, bool isSecure) : IHttpHandler
{
    private readonly Askers _askers = new(options.Proxies);
    private readonly Pulling _pulling = new(directory, new Askers(options.Proxies), isSecure);
    private readonly int _port = (isSecure ? options.HttpsPort : options.HttpPort) ?? 0;

    public void Handle(in Request request, Response response, IPeer peer)
    {
        if (request.Method is not (Method.Get or Method.Head))
        {
            Take(request, response, peer);
            return;
        }
        Span<byte> decoded = stackalloc byte[Limits.NameBytes];
        if (!PathNames.TryRead(request.Path, decoded, out int length, out bool isFolder) || isFolder)
        {
            // No file, but maybe a page of an origin's.
            AnswerOther(request, response, peer);
            return;
        }
        ReadOnlySpan<byte> name = decoded[..length];
        if (directory.TryFind(name, out FileEntry entry))
        {
            Answer(request, response, peer, name, entry, Wish.Read(request));
        }
        else if (TryEnding(name, ".meta4"u8, out ReadOnlySpan<byte> file, out entry))
        {
            Answer(request, response, peer, file, entry, Wish.Read(request) with { View = View.Metalink });
        }
        else if (TryEnding(name, ".sha256"u8, out file, out entry)) AnswerChecksum(response, file, entry);
        else if (name.SequenceEqual("healthz"u8)) Sentences.Explain(response, HttpStatus.Ok, Health);
        else if (name.SequenceEqual("readyz"u8)) AnswerReady(response);
        else AnswerOther(request, response, peer, name);
    }

    private void AnswerOther(in Request request, Response response, IPeer peer, ReadOnlySpan<byte> name = default)
    {
        if (_pulling.TryAnswer(request, response, peer)) return;
        // After a start its servers tell within a moment, and nobody is to keep until then that there is no such file.
        bool isPublished = IsPublished(name, ""u8) || IsPublished(name, ".meta4"u8) || IsPublished(name, ".sha256"u8);
        Sentences.Explain(response, isPublished ? HttpStatus.ServiceUnavailable : HttpStatus.NotFound, isPublished
            ? "This file is published, and no server has told yet that it has it."
            : "No server has a file of this name.");
    }

    private bool IsPublished(ReadOnlySpan<byte> name, ReadOnlySpan<byte> ending) =>
        name.Length > ending.Length && name.EndsWith(ending)
        && directory.TryFindPublished(name[..^ending.Length], out _);

    /// <summary>Takes what an origin is to get, and reports about servers: <c>POST
    /// /name?report=REASON&amp;server=ID</c>.</summary>
    public bool Takes(in Request request) => IsPassedOn(request) || IsReport(request);

    // Between the question whether it is taken and this the list of servers may have changed.
    private void Take(in Request request, Response response, IPeer peer)
    {
        if (!IsPassedOn(request) && IsReport(request)) Report(request, response, peer);
        else AnswerOther(request, response, peer);
    }

    // Files, what is said of them, and our health win over the origin, for methods that they do not answer too.
    private bool IsPassedOn(in Request request)
    {
        if (!_pulling.Takes(request)) return false;
        Span<byte> decoded = stackalloc byte[Limits.NameBytes];
        if (!PathNames.TryRead(request.Path, decoded, out int length, out bool isFolder) || isFolder) return true;
        ReadOnlySpan<byte> name = decoded[..length];
        return !directory.TryFind(name, out _) && !TryEnding(name, ".meta4"u8, out _, out _)
            && !TryEnding(name, ".sha256"u8, out _, out _)
            && !name.SequenceEqual("healthz"u8) && !name.SequenceEqual("readyz"u8);
    }

    // A browser tells by Origin that a page of anybody's sends it, through a visitor who knows nothing of it: that is
    // not taken.
    private static bool IsReport(in Request request)
    {
        if (request.Method != Method.Post || request.BodyLength != 0 || request.Has(Field.Origin)) return false;
        Span<byte> decoded = stackalloc byte[Limits.NameBytes];
        return Wish.TryReadReport(request.Query, out _, out _)
            && PathNames.TryRead(request.Path, decoded, out _, out bool isFolder) && !isFolder;
    }

    // It weighs what REPORT of the line protocol weighs.
    private void Report(in Request request, Response response, IPeer peer)
    {
        Span<byte> name = stackalloc byte[Limits.NameBytes];
        PathNames.TryRead(request.Path, name, out int length, out _);
        Wish.TryReadReport(request.Query, out Trouble reason, out ServerId server);
        IPAddress client = _askers.Of(request, peer, null).Address!;
        bool isTaken = directory.TryReport(name[..length], server, reason, client);
        response.Begin(isTaken ? HttpStatus.NoContent : HttpStatus.TooManyRequests);
        if (isTaken) response.EndEmpty();
        else response.End([]);
    }

    private bool TryEnding(
        ReadOnlySpan<byte> name, ReadOnlySpan<byte> ending, out ReadOnlySpan<byte> file, out FileEntry entry)
    {
        bool ends = name.EndsWith(ending);
        file = ends ? name[..^ending.Length] : default;
        entry = default;
        return ends && directory.TryFind(file, out entry);
    }

    private void Answer(in Request request, Response response, IPeer peer, ReadOnlySpan<byte> name,
        in FileEntry entry, Wish wish)
    {
        Span<Candidate> servers = Draft.Clean().Candidates(entry.Count);
        servers = servers[..directory.Rank(entry, _askers.Of(request, peer, wish.Not), servers)];
        int chosen = Choice.Of(servers, relays is not null);
        Place place = new(isSecure, peer.Local);
        if (chosen < 0 && wish.View is View.File or View.Metalink)
        {
            Sentences.Explain(response, HttpStatus.ServiceUnavailable, Sentences.NobodyCan(servers));
        }
        else if (wish.View != View.File)
        {
            Finding finding = new(name, entry, servers, chosen, place, directory.NotOffered(name));
            if (wish.View == View.Metalink) ShowMetalink(response, finding, OwnUrl(request, finding, place));
            else Show(response, finding, wish.View);
        }
        else if (Place.IsWeb(servers[chosen].Server.Contact!))
        {
            if (request.Method == Method.Get) servers[chosen].Server.CountAnswer();
            response.NoteRoute("redirect");
            Redirect.Write(request, response, name, entry, servers, chosen, place);
        }
        else PassOn(request, response, name, entry, servers);
    }

    private void PassOn(in Request request, Response response, ReadOnlySpan<byte> name, in FileEntry entry,
        ReadOnlySpan<Candidate> servers)
    {
        response.NoteRoute("relay");
        FileDigest digest = Redirect.Wanted(request, entry.Digest);
        if (response.IsHeadOnly)
        {
            Relays.WriteHead(response, digest);
            response.EndWithPieces(new PageSource(default), entry.Size);
            return;
        }
        FileName.TryCreate(name, out FileName file);
        relays!.Start(new RelayOrder(file, entry.Size, digest, Relays.Suitable(servers)), response);
    }

    private void ShowMetalink(Response response, Finding finding, byte[]? ownUrl)
    {
        if (pieces.TryGet(finding.Entry, out byte[] digests))
        {
            Show(response, finding, View.Metalink, MetalinkPage.Write(finding, digests, ownUrl));
            return;
        }
        FileName.TryCreate(finding.Name, out FileName name);
        Server[] servers = [.. finding.Servers.Where(candidate => candidate.Exclusion == Exclusion.None)
            .Select(candidate => candidate.Server)];
        response.Later();
        _ = Task.Run(async () =>
        {
            byte[] fetched = await pieces.FetchAsync(name, finding.Entry, servers).ConfigureAwait(false);
            byte[] page = MetalinkPage.Write(finding, fetched, ownUrl);
            response.Give(later => Show(later, finding, View.Metalink, page));
        });
    }

    /// <summary>Answers with a page.</summary>
    internal static void Show(Response response, Finding finding, View view) =>
        Show(response, finding, view, view switch
        {
            View.Json => JsonPage.Write(finding),
            View.Mirrors => MirrorsPage.Write(finding),
            _ => WhyPage.Write(finding),
        });

    private static void Show(Response response, Finding finding, View view, byte[] page)
    {
        response.NoteRoute("page");
        response.Begin(HttpStatus.Ok);
        response.Fields(view switch
        {
            View.Metalink => "Content-Type: application/metalink4+xml\r\n"u8,
            View.Json => "Content-Type: application/json\r\n"u8,
            View.Mirrors => "Content-Type: text/html; charset=utf-8\r\n"u8,
            _ => "Content-Type: text/plain; charset=utf-8\r\n"u8,
        });
        if (view == View.Mirrors) response.Fields(MirrorsPage.Policy);
        if (view == View.Metalink) response.Field("Content-Disposition"u8, MetalinkPage.Disposition(finding));
        response.Fields("X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nVary: Accept\r\n"u8);
        response.EndWithPieces(new PageSource(page), page.Length);
    }

    private byte[]? OwnUrl(in Request request, Finding finding, Place place)
    {
        if (relays is null) return null;
        ArrayBufferWriter<byte> url = new();
        place.WriteOwnUrl(request[Field.Host], _port, finding.Name, url);
        return url.WrittenSpan.ToArray();
    }

    // As sha256sum writes and reads it: digest, two spaces, the name without folders.
    private static void AnswerChecksum(Response response, ReadOnlySpan<byte> name, in FileEntry entry)
    {
        if (entry.Digest.IsNone)
        {
            Sentences.Explain(response, HttpStatus.NotFound,
                "The digest of this file is not known: no server has told it yet.");
            return;
        }
        name = name[(name.LastIndexOf((byte)'/') + 1)..];
        byte[] line = [.. Encoding.ASCII.GetBytes(entry.Digest.ToString()), .. "  "u8, .. name, (byte)'\n'];
        response.Begin(HttpStatus.Ok);
        response.Fields("Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"u8);
        response.Fields("Cache-Control: no-store\r\n"u8);
        response.End(line);
    }

    // It answers all the same: whoever has another index may ask that one first.
    private string Health => directory.Behind is not { } behind ? "ok"
        : $"ok, but behind: for {behind.TotalSeconds:0} s this index cannot tell whether it knows what is published.";

    private void AnswerReady(Response response)
    {
        bool ready = directory.Servers.Any(server => server.Contact is not null);
        Sentences.Explain(response, ready ? HttpStatus.Ok : HttpStatus.ServiceUnavailable,
            ready ? Health : "No content server has registered yet.");
    }
}
