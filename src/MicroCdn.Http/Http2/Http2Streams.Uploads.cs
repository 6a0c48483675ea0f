namespace MicroCdn.Http.Http2;

// The bodies of requests whose handlers take them.
internal sealed partial class Http2Streams
{
    // Begins a request whose body is wanted; false when it is not, and to be refused as all are.
    private bool TryUpload(Http2Stream stream, ReadOnlySpan<byte> head, long now, out Fault fault)
    {
        fault = Fault.None;
        if (RequestParser.ParseWithBody(head, out Request request, out _) == 0) return false;
        (request.IsFramed, request.BodyLength) = (true, stream.Announced);
        if (!_service.Takes(request)) return false;
        if (_table.CountUploads() >= Http2Limits.Uploads)
        {
            fault = Reset(stream, Fault.Refused, now);
            return true;
        }
        RequestBody body = new(stream.Announced, _wake);
        request.Body = body;
        stream.Exchange = _exchanges?.Open(request);
        _service.Handle(request, stream.Body.Answer, _peer, stream.Exchange);
        if (body.IsTaken)
        {
            (stream.Upload, stream.UploadSince) = (body, now);
            if (request.ExpectsContinue && stream.Body.Answer.Waits) _writer.Inform(stream.Id, HttpService.GoOn);
        }
        Answered(stream, now);
        return true;
    }

    // What is not wanted any more is dropped, as far as the window still goes.
    private static void TakeUpload(Http2Stream stream, ReadOnlySpan<byte> bytes, bool ends)
    {
        stream.Uploaded += bytes.Length;
        stream.Upload!.Push(bytes);
        if (ends) stream.Upload.Complete();
    }

    // Lets the client send as much more as was read.
    private void OpenUpload(Http2Stream stream, long now)
    {
        int news = stream.Upload!.TakeNews();
        if (news == 0 || stream.State == StreamState.Answered) return;
        stream.Allowed += news;
        _writer.Grant(stream.Id, news + stream.Padding);
        stream.Padding = 0;
        (stream.UploadSince, stream.Uploaded) = (now, 0);
    }

    // While its window is shut the client cannot send.
    private static long UploadDueAt(Http2Stream stream) =>
        stream.IsUploading && stream.State != StreamState.Answered && stream.Received < stream.Allowed
            ? stream.UploadSince + (long)HttpLimits.ReadTime.TotalMilliseconds : long.MaxValue;

    private Fault JudgeUpload(Http2Stream stream, long now)
    {
        bool isSlow = stream.Uploaded < HttpLimits.ReadBytes;
        (stream.UploadSince, stream.Uploaded) = (now, 0);
        return isSlow ? Reset(stream, Fault.EnhanceYourCalm, now) : Fault.None;
    }
}
