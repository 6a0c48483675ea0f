using MicroCdn.Content;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Edge;

/// <summary>Answers GET and HEAD for the files of a library (RFC 9110).</summary>
/// <remarks>
/// 1. The method. 2. The path becomes a name; what is no name finds nothing. 3. The name is looked up: a file, a
/// folder's index, or nothing. 4. The representation is chosen: as it is, or compressed. 5. Preconditions. 6. Ranges.
/// 7. The head, and the bytes by sendfile. Only an entry of the library has a path.
/// </remarks>
internal sealed class EdgeHandler(EdgeOptions options, ServedFiles files, TimeProvider time) : IHttpHandler
{
    private readonly CrossOrigin _crossOrigin = new(options.CorsOrigins);
    private readonly FolderPages _folders = new(options, files);
    private readonly FileHeads _heads = new(options);

    public void Handle(in Request request, Response response, IPeer peer)
    {
        if (request.Method is Method.Other or Method.Options)
        {
            _crossOrigin.AnswerMethod(request, response);
            return;
        }
        Span<byte> decoded = stackalloc byte[Limits.NameBytes + FolderPages.IndexName.Length + 1];
        if (!PathNames.TryRead(request.Path, decoded, out int length, out bool isFolder))
        {
            NotFound(response);
            return;
        }
        Library library = files.Library;
        int number = isFolder ? FolderPages.FindIndex(library, decoded, length) : library.FindName(decoded[..length]);
        if (number >= 0) AnswerFile(request, response, library, number);
        else if (!isFolder && Health.IsAsked(decoded[..length])) Health.Answer(response);
        else if (!_folders.TryAnswer(request, response, library, decoded[..length], isFolder)) NotFound(response);
    }

    // The state of the file is checked before its head leaves. Should it have changed, it is opened anew, once.
    private void AnswerFile(in Request request, Response response, Library library, int number)
    {
        OpenFailure failure = OpenFailure.Missing;
        for (int tries = 0; tries < 2; tries++)
        {
            if (files.Take(library, number, anew: tries > 0, out failure) is not { } file) break;
            if (file.Facts != library.FactsOf(number)) files.NoticeChange();
            if (Answer(request, response, _heads.Of(file, library, number))) return;
            file.Release();
        }
        if (failure == OpenFailure.NoDescriptors) Unavailable(response);
        else NotFound(response);
        files.NoticeChange();
    }

    // Takes the file over; false, with nothing written, when it is not as it was.
    private bool Answer(in Request request, Response response, FileHead head)
    {
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        Preconditions preconditions = new()
        {
            IfMatch = request[Field.IfMatch],
            IfNoneMatch = request[Field.IfNoneMatch],
            IfModifiedSince = request[Field.IfModifiedSince],
            IfUnmodifiedSince = request[Field.IfUnmodifiedSince],
            IfRange = request[Field.IfRange],
        };
        PreconditionResult result = preconditions.Evaluate(head.EntityTag, head.LastModified, now);
        if (result != PreconditionResult.Proceed)
        {
            head.File.Release();
            bool unmodified = result == PreconditionResult.NotModified;
            response.Begin(unmodified ? HttpStatus.NotModified : HttpStatus.PreconditionFailed);
            response.Fields(head.Validators);
            _crossOrigin.Write(request, response);
            if (unmodified) response.EndEmpty();
            else response.End([]);
            return true;
        }
        // A Range means something for GET alone (RFC 9110, section 14.2).
        ByteRanges ranges = request.Method == Method.Get && request.Has(Field.Range)
            && preconditions.AllowRange(head.EntityTag, head.LastModified, now)
            ? ByteRanges.Parse(request[Field.Range], head.Length) : default;
        return Send(request, response, head, ranges);
    }

    private bool Send(in Request request, Response response, FileHead head, ByteRanges ranges)
    {
        HttpStatus status = ranges.Kind switch
        {
            RangeKind.Ignore => HttpStatus.Ok,
            RangeKind.Unsatisfiable => HttpStatus.RangeNotSatisfiable,
            _ => HttpStatus.PartialContent,
        };
        response.Begin(status);
        if (ranges.Kind != RangeKind.Several) response.Fields(head.ContentType);
        response.Fields(head.Validators);
        if (Digests.WantsDigest(request[Field.WantReprDigest])) response.Fields(head.Digests);
        _crossOrigin.Write(request, response);
        switch (ranges.Kind)
        {
            case RangeKind.Ignore:
                return response.EndWithFile(head.File, 0, head.Length);
            case RangeKind.Single:
                ContentRange.Write(response, ranges.Single, head.Length);
                return response.EndWithFile(head.File, ranges.Single.Offset, ranges.Single.Length);
            case RangeKind.Several:
                Multipart parts = new(head, ranges.Several);
                response.Field("Content-Type"u8, parts.ContentType);
                response.EndWithPieces(parts, parts.Length);
                return true;
            default:
                ContentRange.WriteUnsatisfied(response, head.Length);
                response.End([]);
                head.File.Release();
                return true;
        }
    }

    private static void NotFound(Response response)
    {
        response.Explain(HttpStatus.NotFound, "There is no such file here.");
    }

    private static void Unavailable(Response response)
    {
        response.Explain(HttpStatus.ServiceUnavailable, "The file cannot be read now; try again, or another server.");
    }
}
