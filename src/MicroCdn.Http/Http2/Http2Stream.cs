using MicroCdn.Http.Exchanges;
using MicroCdn.Network;

namespace MicroCdn.Http.Http2;

/// <summary>Where a stream stands; one that is over is in no table.</summary>
internal enum StreamState
{
    /// <summary>Its request is not all here: a body comes.</summary>
    Receiving,

    /// <summary>Its answer is postponed.</summary>
    Waiting,

    /// <summary>Its answer is there, of which nothing was sent yet.</summary>
    Given,

    /// <summary>Its body is being sent.</summary>
    Sending,

    /// <summary>Its body comes from elsewhere, and nothing more is there yet.</summary>
    Starving,

    /// <summary>It is answered, and its request still comes.</summary>
    Answered,
}

/// <summary>One request and its answer (RFC 9113, section 5).</summary>
internal sealed class Http2Stream(Answer connection, Action woken)
{
    /// <summary>What is sent.</summary>
    public SharedAnswer Body { get; } = new(connection, woken);

    /// <summary>Its number.</summary>
    public int Id { get; private set; }

    public StreamState State { get; set; }

    /// <summary>How many bytes of the body the client takes; below 0 when it made its windows smaller.</summary>
    public long Window { get; set; }

    /// <summary>How many bytes of the body are to come, or -1 when nobody said.</summary>
    public long Left { get; set; }

    /// <summary>True for HEAD: the length that is said is not sent.</summary>
    public bool IsHeadOnly { get; set; }

    /// <summary>True once the client said that it sends no more.</summary>
    public bool IsEnded { get; set; }

    /// <summary>What is told of it once its answer has left; null when nobody listens, or it is in the queue.</summary>
    public Exchange? Exchange { get; set; }

    /// <summary>The request's head while its body comes.</summary>
    public byte[] Head { get; set; } = [];

    /// <summary>The length of the body that was announced, or -1.</summary>
    public long Announced { get; set; }

    /// <summary>How many bytes of it came.</summary>
    public long Received { get; set; }

    /// <summary>Its body, once who answers it took it.</summary>
    public RequestBody? Upload { get; set; }

    /// <summary>How many bytes of it the client may send in all.</summary>
    public long Allowed { get; set; }

    /// <summary>How many bytes of padding used up the window since it was opened last.</summary>
    public int Padding { get; set; }

    /// <summary>Since when its sender is judged.</summary>
    public long UploadSince { get; set; }

    /// <summary>How many bytes of it came since then.</summary>
    public long Uploaded { get; set; }

    /// <summary>True while more of it can come.</summary>
    public bool IsUploading => Upload is { IsOver: false };

    /// <summary>Since when it is judged whether the client lets it come to an end.</summary>
    public long Since { get; private set; }

    /// <summary>How many bytes were sent since then.</summary>
    public long Sent { get; set; }

    /// <summary>Begins with a request.</summary>
    public Http2Stream Begin(int id, int window, long now)
    {
        (Id, Window, State, Since, Sent) = (id, window, StreamState.Receiving, now, 0);
        (Upload, Exchange, Allowed, Uploaded, Padding) = (null, null, Http2Limits.Window, 0, 0);
        (Head, IsEnded, IsHeadOnly, Left, Received, Announced) = ([], false, false, -1, 0, -1);
        return this;
    }

    /// <summary>What all streams together had sent then.</summary>
    public long TotalAt { get; private set; }

    /// <summary>Is judged anew from here on.</summary>
    public void Judge(long now, long total) => (Since, Sent, TotalAt) = (now, 0, total);
}

/// <summary>The open streams of a connection, in the order of their numbers.</summary>
internal sealed class StreamTable
{
    private const int MostSpare = 8;

    private readonly List<Http2Stream> _open = [];
    private readonly Stack<Http2Stream> _spare = [];
    private readonly int[] _resets = new int[Http2Limits.Resets];
    private int _nextReset;
    private int _lastTurn;

    /// <summary>How many are open.</summary>
    public int Count => _open.Count;

    public Http2Stream this[int place] => _open[place];

    /// <summary>The stream of a number, or null.</summary>
    public Http2Stream? Find(int id)
    {
        int place = Place(id);
        return place < _open.Count && _open[place].Id == id ? _open[place] : null;
    }

    /// <summary>A stream object; it is in the table only once it is added.</summary>
    public Http2Stream Take(Answer connection, Action woken) =>
        _spare.TryPop(out Http2Stream? spare) ? spare : new Http2Stream(connection, woken);

    /// <summary>Adds one with a number above all others.</summary>
    public void Add(Http2Stream stream) => _open.Add(stream);

    /// <summary>Ends one, in the table or not; what was to be sent is given back.</summary>
    public void Remove(Http2Stream stream)
    {
        int place = Place(stream.Id);
        if (place < _open.Count && _open[place] == stream) _open.RemoveAt(place);
        if (stream.Body.Answer.IsPending || stream.Body.Answer.Waits) stream.Body.Answer.Discard();
        stream.Head = [];
        stream.Exchange?.Complete(isWhole: false);
        stream.Exchange = null;
        stream.Upload?.Fail(new IOException("the client ended its request"));
        stream.Upload = null;
        if (_spare.Count < MostSpare && stream.Body.TryReset()) _spare.Push(stream);
    }

    /// <summary>Ends all.</summary>
    public void Clear()
    {
        while (_open.Count > 0) Remove(_open[^1]);
    }

    /// <summary>Notes that a stream was reset by us while its client may still have been sending.</summary>
    public void AddReset(int id) => _resets[_nextReset++ % _resets.Length] = id;

    /// <summary>True when what comes for it was sent before the client knew.</summary>
    public bool WasReset(int id) => Array.IndexOf(_resets, id) >= 0;

    /// <summary>The next in turn that has bytes of its body to send and a window for them, or null.</summary>
    public Http2Stream? Next()
    {
        int first = Place(_lastTurn + 1);
        for (int number = 0; number < _open.Count; number++)
        {
            Http2Stream stream = _open[(first + number) % _open.Count];
            if (stream.State != StreamState.Sending || stream.Window <= 0) continue;
            _lastTurn = stream.Id;
            return stream;
        }
        return null;
    }

    /// <summary>How many bodies are being read.</summary>
    public int CountUploads()
    {
        int count = 0;
        foreach (Http2Stream stream in _open) count += stream.IsUploading ? 1 : 0;
        return count;
    }

    /// <summary>True when some stream is in a state.</summary>
    public bool Any(StreamState state)
    {
        foreach (Http2Stream stream in _open)
        {
            if (stream.State == state) return true;
        }
        return false;
    }

    /// <summary>True when some stream has bytes to send and a window for them.</summary>
    public bool AnySends()
    {
        foreach (Http2Stream stream in _open)
        {
            if (stream.State == StreamState.Sending && stream.Window > 0) return true;
        }
        return false;
    }

    private int Place(int id)
    {
        int low = 0, high = _open.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_open[middle].Id < id) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
