using MicroCdn.Content;
using MicroCdn.Edge.PullThrough;
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
internal sealed class EdgeHandler(
    EdgeOptions options, FileFieldLines lines, ServedFiles files, Variants? variants, OriginFront? front,
    TimeProvider time) : IHttpHandler
{
    private readonly FolderPages _folders = new(options, files);
    private readonly CompressedForms _forms = new(files, variants, lines);
    private readonly PurgeMethod? _purging = front is null ? null : new PurgeMethod(options, front.Purges);

    // A GET with a body is refused as it is for files: no cache could tell its answers apart.
    public bool Takes(in Request request) => front is not null && request.Method is not (Method.Get or Method.Head)
        && (PurgeMethod.Is(request) || (!IsOurs(request) && front.Takes(request)));

    public void Handle(in Request request, Response response, IPeer peer)
    {
        if (_purging is not null && PurgeMethod.Is(request)) _purging.Handle(request, response, peer);
        else Handle(request, response, mayWait: true);
    }

    // A file of the library wins over the origin, for methods that it does not answer too. So does our health.
    private bool IsOurs(in Request request)
    {
        Span<byte> decoded = stackalloc byte[Limits.NameBytes + FolderPages.IndexName.Length + 1];
        if (!PathNames.TryRead(request.Path, decoded, out int length, out bool isFolder)) return false;
        return isFolder ? FolderPages.FindIndex(files.Library, decoded, length) >= 0
            : Health.IsAsked(decoded[..length]) || files.Library.FindName(decoded[..length]) >= 0;
    }

    private void Handle(in Request request, Response response, bool mayWait)
    {
        Span<byte> decoded = stackalloc byte[Limits.NameBytes + FolderPages.IndexName.Length + 1];
        if (!PathNames.TryRead(request.Path, decoded, out int length, out bool isFolder))
        {
            if (front is null || !front.TryHandle(request, response)) NotFound(response);
            return;
        }
        Library library = files.Library;
        int number = isFolder ? FolderPages.FindIndex(library, decoded, length) : library.FindName(decoded[..length]);
        if (number >= 0) AnswerFile(request, response, library, number, mayWait);
        else if (!isFolder && Health.IsAsked(decoded[..length])) Health.Answer(response);
        else if (front is not null && front.TryHandle(request, response)) return;
        else if (!_folders.TryAnswer(request, response, library, decoded[..length], isFolder)) NotFound(response);
    }

    // The state of the file is checked before its head leaves. Should it have changed, it is opened anew, once.
    private void AnswerFile(in Request request, Response response, Library library, int number, bool mayWait)
    {
        response.NoteRoute("file");
        OpenFailure failure = OpenFailure.Missing;
        for (int tries = 0; tries < 2; tries++)
        {
            if (files.Take(library, number, anew: tries > 0, out failure) is not { } file) break;
            ReadOnlySpan<byte> digest = default;
            // A digest belongs to the state that the scan saw.
            if (file.Facts != library.FactsOf(number)) files.NoticeChange();
            else library.TryDigest(number, out digest);
            FileFields fields = lines.Of(file, library.NameOf(number), digest);
            if (AnswerCompressed(request, response, library, number, file, fields, digest, mayWait)) return;
            if (Answer(request, response, new Representation(file, fields))) return;
            file.Release();
        }
        if (failure is OpenFailure.NoDescriptors or OpenFailure.Ended)
        {
            response.Explain(HttpStatus.ServiceUnavailable, "The file cannot be read now; try another server.");
        }
        else NotFound(response);
        files.NoticeChange();
    }

    // True when the file was taken over and the answer is given, or will be. Ranges are ranges of the file as it is.
    private bool AnswerCompressed(in Request request, Response response, Library library, int number, OpenFile file,
        FileFields fields, ReadOnlySpan<byte> digest, bool mayWait)
    {
        if (!request.Has(Field.AcceptEncoding) || request.Has(Field.Range)) return false;
        if (_forms.TryFind(request[Field.AcceptEncoding], library, number, digest, fields, out Representation form,
            out Coding toMake))
        {
            if (!Answer(request, response, form))
            {
                form.Source.Release();
                return false;
            }
            file.Release();
            return true;
        }
        if (toMake == Coding.Identity || !mayWait) return false;
        // When the form is there, or will not be, the request is answered as if it came only then.
        byte[] head = request.ToArray();
        byte[] sha256 = digest.ToArray();
        response.Later();
        _ = _forms.MakeAsync(sha256, toMake, file).ContinueWith(_ => response.Give(later =>
        {
            RequestParser.Parse(head, out Request again, out Refusal? _);
            Handle(again, later, mayWait: false);
        }), TaskScheduler.Default);
        return true;
    }

    // Takes the bytes over; false, with nothing written, when they are not as they were.
    private bool Answer(in Request request, Response response, Representation what)
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
        FileFields fields = what.Fields;
        PreconditionResult result = preconditions.Evaluate(fields.EntityTag, fields.LastModified, now);
        if (result != PreconditionResult.Proceed)
        {
            what.Source.Release();
            bool unmodified = result == PreconditionResult.NotModified;
            response.Begin(unmodified ? HttpStatus.NotModified : HttpStatus.PreconditionFailed);
            response.Fields(fields.Validators);
            if (unmodified) response.EndEmpty();
            else response.End([]);
            return true;
        }
        // A Range means something for GET alone (RFC 9110, section 14.2).
        ByteRanges ranges = request.Method == Method.Get && request.Has(Field.Range)
            && preconditions.AllowRange(fields.EntityTag, fields.LastModified, now)
            ? ByteRanges.Parse(request[Field.Range], what.Length) : default;
        return Send(request, response, what, ranges);
    }

    private static bool Send(in Request request, Response response, Representation what, ByteRanges ranges)
    {
        response.Begin(ranges.Kind switch
        {
            RangeKind.Ignore => HttpStatus.Ok,
            RangeKind.Unsatisfiable => HttpStatus.RangeNotSatisfiable,
            _ => HttpStatus.PartialContent,
        });
        if (ranges.Kind != RangeKind.Several) response.Fields(what.Fields.Content);
        response.Fields(what.Fields.Validators);
        if (Digests.WantsDigest(request[Field.WantReprDigest])) response.Fields(what.Fields.Digests);
        switch (ranges.Kind)
        {
            case RangeKind.Ignore:
                return response.EndWithFile(what.Source, 0, what.Length);
            case RangeKind.Single:
                ContentRange.Write(response, ranges.Single, what.Length);
                return response.EndWithFile(what.Source, ranges.Single.Offset, ranges.Single.Length);
            case RangeKind.Several:
                Multipart parts = new((OpenFile)what.Source, what.Fields, ranges.Several);
                response.Field("Content-Type"u8, parts.ContentType);
                response.EndWithPieces(parts, parts.Length);
                return true;
            default:
                ContentRange.WriteUnsatisfied(response, what.Length);
                response.End([]);
                what.Source.Release();
                return true;
        }
    }

    private static void NotFound(Response response) =>
        response.Explain(HttpStatus.NotFound, "There is no such file here.");
}
