using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using MicroCdn.Client;
using MicroCdn.Gateway.Api;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Gateway.Admin;

/// <summary>Takes the bytes of a PUT into a file, checks them, and has them published.</summary>
/// <remarks>What is known at once is decided on the connection's thread: who will be refused is not asked for its
/// bytes. The rest runs on the pool.</remarks>
internal sealed partial class Uploading(
    UploadFolder folder, Publisher publisher, FileDirectory directory, AuditLog audit, ILogger logger)
{
    private const int BufferBytes = 128 * 1024;
    // What the policy says where there is none.
    private const int UsualReplicas = 2;

    /// <summary>From which byte on an upload of a name can be gone on with. The last byte that is here is asked for
    /// again: a client that has nothing left to send would send no request, and nothing would be published.</summary>
    public long OffsetOf(ReadOnlySpan<byte> name) => Math.Max(0, folder.LengthOf(KeyOf(name)) - 1);

    /// <summary>Takes a PUT whose sender may publish the name; null when it is answered later, else why not.</summary>
    public Problem? Begin(in Request request, Response response, UploadWish wish)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(wish.Name.Value);
        if (PutHead.Read(request.ToFields(), request.Query, request.BodyLength, out Problem? problem) is not { } head)
        {
            return problem;
        }
        if (wish.Release is not null && !head.IsPlain)
        {
            return new Problem(HttpStatus.BadRequest, "A file is staged whole, whatever is there: leave out "
                + "Content-Range, If-Match and If-None-Match.");
        }
        directory.TryFindPublished(utf8, out PublishedEntry before);
        if (!head.Holds(before.Digest)) return Changed(before);
        byte[] key = wish.Release is null ? utf8 : Encoding.UTF8.GetBytes($"{wish.Release}\0{wish.Name}");
        if (folder.TryBegin(KeyOf(key), head.Offset, head.Total, out UploadPart? part) is not UploadStart.Begun and var
            refusal) return ProblemOf(refusal, utf8);
        RequestBody? body = request.TakeBody();
        response.Later(body);
        Put put = new(wish, head, body, part!, before.Digest.IsNone);
        _ = Task.Run(() => RunAsync(put, response));
        return null;
    }

    private async Task RunAsync(Put put, Response response)
    {
        Action<Response> answer;
        try
        {
            Problem? problem = await RefusalAsync(put.Wish).ConfigureAwait(false)
                ?? await TakeAsync(put).ConfigureAwait(false);
            answer = problem is not null ? problem.Write : await PublishAsync(put).ConfigureAwait(false);
        }
        catch (DiskFullException)
        {
            answer = ProblemOf(UploadStart.NoRoom, []).Write;
        }
        catch (InvalidDataException)
        {
            answer = new Problem(HttpStatus.BadRequest, "The body is not framed as a body must be.").Write;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogBroken(put.Wish.Name.Value, put.Part.Length, exception.Message);
            answer = Problem.Later(HttpStatus.ServiceUnavailable, put.Wish.Release is null
                ? "The upload broke off; HEAD tells from where to go on."
                : "The upload broke off; nothing of it is kept.").Write;
        }
        finally
        {
            put.Body?.Dispose();
            if (put.Wish.Release is not null) put.Part.IsKept = false;
            put.Part.Dispose();
        }
        response.Give(answer);
    }

    // Else somebody would send gigabytes for nothing. The index looks again when it stages the file.
    private async Task<Problem?> RefusalAsync(UploadWish wish)
    {
        if (wish.Release is null) return null;
        try
        {
            List<ReleaseRow> releases = await publisher.ReleasesAsync(CancellationToken.None).ConfigureAwait(false);
            return !releases.Exists(one => one.Name == wish.Release && one.State == "active") ? null
                : new Problem(HttpStatus.Conflict, WireErrors.ReleaseActive.Meaning);
        }
        catch (CdnException exception)
        {
            return ApiHandler.ProblemOf(exception);
        }
    }

    // Null when all of it is here, and is what it was said to be.
    private static async Task<Problem?> TakeAsync(Put put)
    {
        (PutHead head, UploadPart part) = (put.Head, put.Part);
        part.Open();
        using IncrementalHash whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IncrementalHash content = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[BufferBytes];
        for (long at = 0; at < head.Offset && !head.Whole.IsNone;)
        {
            int read = part.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, head.Offset - at)), at);
            if (read == 0) throw new IOException("what was here of the upload is gone");
            whole.AppendData(buffer, 0, read);
            at += read;
        }
        while (put.Body is { } body)
        {
            int read = await body.ReadAsync(buffer, CancellationToken.None).ConfigureAwait(false);
            if (read == 0) break;
            part.Write(buffer.AsSpan(0, read));
            if (!head.Whole.IsNone) whole.AppendData(buffer, 0, read);
            if (!head.Content.IsNone) content.AppendData(buffer, 0, read);
        }
        bool isRight = head.Total < 0 || part.Length == head.Total;
        if (isRight && Fits(head.Whole, whole) && Fits(head.Content, content)) return null;
        part.IsKept = false;
        return new Problem(HttpStatus.BadRequest, isRight
            ? "The bytes that came are not those of the digest; nothing of them was kept."
            : "The body is not as long as Content-Range says; nothing of it was kept.");
    }

    private static bool Fits(FileDigest wanted, IncrementalHash hash) =>
        wanted.IsNone || wanted == new FileDigest(hash.GetHashAndReset());

    private async Task<Action<Response>> PublishAsync(Put put)
    {
        (UploadWish wish, PutHead head) = (put.Wish, put.Head);
        byte[] name = Encoding.UTF8.GetBytes(wish.Name.Value);
        directory.TryFindPublished(name, out PublishedEntry now);
        // It took a while to come.
        if (!head.Holds(now.Digest))
        {
            put.Part.IsKept = false;
            return Changed(now).Write;
        }
        try
        {
            Stream bytes = put.Part.OpenRead();
            await using (bytes.ConfigureAwait(false))
            {
                PutOptions options = new()
                {
                    Replicas = head.Replicas, IsNew = head.IsNew, Match = head.IfMatch.Length > 0 ? now.Revision : 0,
                    Release = wish.Release,
                };
                Publication done = await publisher.PutAsync(wish.Name, bytes, options, null, CancellationToken.None)
                    .ConfigureAwait(false);
                put.Part.IsKept = false;
                return Done(put, done);
            }
        }
        catch (CdnException exception)
        {
            directory.TryFindPublished(name, out now);
            Problem problem = head.Holds(now.Digest) ? ProblemOf(exception, put) : Changed(now);
            audit.Add(wish.Token, wish.From, wish.Action, problem.Status.Code, exception.Message);
            return problem.Write;
        }
    }

    private Action<Response> Done(Put put, Publication done)
    {
        UploadWish wish = put.Wish;
        string what = wish.Release is null ? $"published {wish.Name}" : $"staged {wish.Name} in {wish.Release}";
        audit.Add(wish.Token, wish.From, wish.Action, put.Status.Code, $"{what} (revision {done.Revision})");
        if (wish.Release is null)
        {
            LogPublished(wish.Token, wish.Name.Value, done.Revision);
            return response => Answer(response, put, done);
        }
        LogStaged(wish.Token, wish.Name.Value, wish.Release, done.Revision);
        StagedFile file = new(wish.Release, wish.Name.Value, done.Size, $"{done.Digest}", done.Revision, done.Servers);
        return ApiAnswer.Ok(file, ApiJson.Default.StagedFile).Write;
    }

    private static void Answer(Response response, Put put, Publication done)
    {
        response.Begin(put.Status);
        System.Buffers.ArrayBufferWriter<byte> path = new();
        PathNames.Write(Encoding.UTF8.GetBytes(put.Wish.Name.Value), path);
        response.Field("Location"u8, path.WrittenSpan);
        Facts.Write(response, done.Digest, done.Revision);
        response.Fields("Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"u8);
        string servers = string.Join(", ", done.Servers);
        response.End(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"published {put.Wish.Name} ({done.Size} bytes, revision {done.Revision}) on {servers}\n")));
    }

    private Problem ProblemOf(UploadStart start, ReadOnlySpan<byte> name) => start switch
    {
        UploadStart.Busy => Problem.Later(HttpStatus.Conflict, "An upload of this name is under way."),
        UploadStart.Gap => new Problem(HttpStatus.Conflict,
            $"Only {OffsetOf(name)} bytes of this upload are here: go on from there.",
            $"Upload-Offset: {OffsetOf(name)}\r\n"),
        UploadStart.TooLarge => new Problem(HttpStatus.ContentTooLarge,
            "The file is larger than uploads may be here (--upload-size)."),
        UploadStart.TooMany => Problem.Later(HttpStatus.ServiceUnavailable,
            "As many uploads as are taken at once are under way; try again soon."),
        _ => new Problem(HttpStatus.InsufficientStorage,
            "There is no room for this upload (--upload-size, --upload-free)."),
    };

    private Problem ProblemOf(CdnException exception, Put put)
    {
        if (put.Wish.Release is not null && exception.Failure == CdnFailure.Refused)
        {
            return ApiHandler.ProblemOf(exception);
        }
        int replicas = put.Head.Replicas;
        int here = directory.Servers.Count(server => server.Contact is not null && server.State < ServerState.Dead);
        bool isMissing = here < (replicas > 0 ? replicas : UsualReplicas);
        return exception.Failure == CdnFailure.NoRoom && !isMissing
            ? new Problem(HttpStatus.InsufficientStorage, exception.Message)
            : Problem.Later(HttpStatus.ServiceUnavailable, exception.Message, 10);
    }

    private static Problem Changed(PublishedEntry now) => new(HttpStatus.PreconditionFailed, now.Digest.IsNone
        ? "Nothing is published under this name, and something was to be replaced."
        : $"What is published under this name is \"{now.Digest}\", revision {now.Revision}; it was not replaced.");

    private static string KeyOf(ReadOnlySpan<byte> name) => Convert.ToHexStringLower(SHA256.HashData(name));

    private sealed record Put(UploadWish Wish, PutHead Head, RequestBody? Body, UploadPart Part, bool IsFirst)
    {
        public HttpStatus Status => IsFirst && Wish.Release is null ? HttpStatus.Created : HttpStatus.Ok;
    }

    [LoggerMessage(5101, LogLevel.Information, "token {Token} published '{Name}' as revision {Revision}")]
    private partial void LogPublished(string token, string name, long revision);

    [LoggerMessage(5103, LogLevel.Information, "token {Token} staged '{Name}' in {Release} as revision {Revision}")]
    private partial void LogStaged(string token, string name, string release, long revision);

    [LoggerMessage(5102, LogLevel.Information, "an upload of '{Name}' broke off after {Bytes} bytes: {Why}")]
    private partial void LogBroken(string name, long bytes, string why);
}

/// <summary>What an upload is for, and whose it is.</summary>
/// <param name="Name">The name that the bytes are to have.</param>
/// <param name="Release">The release that they are staged in, unseen; null to have them visible at once.</param>
/// <param name="Token">The id of the token that allows it.</param>
/// <param name="From">The address of who sends them.</param>
internal sealed record UploadWish(FileName Name, string? Release, string Token, IPAddress From)
{
    /// <summary>What is done, for the audit log.</summary>
    public string Action => Release is null ? $"PUT /{Name}" : $"PUT /releases/{Release}/files/{Name}";
}
