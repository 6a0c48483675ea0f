using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace MicroCdn.Bench;

/// <summary>What a round of lookups came to on the client's side.</summary>
internal readonly record struct LookupLoad(long Lookups, long Verified, TimeSpan Time);

/// <summary>Asks the index for random files over open connections, with requests written beforehand.</summary>
internal sealed unsafe class LookupClient : IDisposable
{
    private const int Requests = 1 << 18;            // in the ring; 16 MB, read in order
    private const int RequestLength = 5 + Catalog.NameLength;
    private const int Seed = 20260101;
    private const int VerifyOneIn = 61;              // segments; a prime, so that every connection is looked at
    public const int MostDepth = 16;
    private const int AnswerRoom = MostDepth * Catalog.LongestAnswer;
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(10);

    private readonly int[] _numbers = new int[Requests];
    private readonly byte* _requests = (byte*)NativeMemory.Alloc(Requests * RequestLength);
    private readonly byte* _answers;
    private readonly Talk[] _talks;
    private readonly Epoll _epoll = new();
    private long _segments, _verified, _lookups;

    /// <summary>Connects to the index, which knows the catalog's first <paramref name="files"/> files.</summary>
    public LookupClient(int port, int connections, int files)
    {
        Random random = new(Seed);
        for (int at = 0; at < Requests; at++)
        {
            _numbers[at] = random.Next(files);
            Catalog.WriteGet(_numbers[at], new Span<byte>(_requests + at * RequestLength, RequestLength));
        }
        _answers = (byte*)NativeMemory.Alloc((nuint)(connections * AnswerRoom));
        _talks = new Talk[connections];
        for (int number = 0; number < connections; number++)
        {
            int socket = Libc.Connect(port, 1, blocking: false);
            // Each connection begins at another place of the ring and goes round it by itself.
            int place = Requests / connections * number / MostDepth * MostDepth;
            _talks[number] = new Talk { Socket = socket, Next = place };
            _epoll.Add(socket, Libc.Readable, number);
        }
        Machine.Wait(TimeSpan.FromSeconds(0.1));    // the handshakes
    }

    /// <summary>Keeps <paramref name="depth"/> lookups under way on every connection for the given time.</summary>
    public LookupLoad Run(TimeSpan time, int depth)
    {
        (_lookups, _verified) = (0, 0);
        long begin = Stopwatch.GetTimestamp();
        long progress = begin;
        int busy = _talks.Length;
        for (int number = 0; number < _talks.Length; number++) Ask(ref _talks[number], depth);
        while (busy > 0)
        {
            int ready = _epoll.Wait(500);
            long now = Stopwatch.GetTimestamp();
            if (ready > 0) progress = now;
            else if (Stopwatch.GetElapsedTime(progress, now) > Stalled)
                throw new BenchException($"The index answered nothing for {Stalled.TotalSeconds} s.");
            bool again = Stopwatch.GetElapsedTime(begin, now) < time;
            for (int at = 0; at < ready; at++)
            {
                int number = _epoll.Number(at);
                ref Talk talk = ref _talks[number];
                if (!Listen(ref talk, _answers + number * AnswerRoom, depth)) continue;
                if (again) Ask(ref talk, depth);
                else busy--;
            }
        }
        return new LookupLoad(_lookups, _verified, Stopwatch.GetElapsedTime(begin));
    }

    public void Dispose()
    {
        foreach (Talk talk in _talks) _ = Libc.Close(talk.Socket);
        _epoll.Dispose();
        NativeMemory.Free(_requests);
        NativeMemory.Free(_answers);
    }

    private void Ask(ref Talk talk, int depth)
    {
        if (talk.Next + depth > Requests) talk.Next = 0;
        int length = depth * RequestLength;
        nint sent = Libc.Send(talk.Socket, _requests + talk.Next * RequestLength, length, Libc.NoSignal);
        if (sent != length) throw Broken("took no request");
        talk.Asked = talk.Next;
        talk.Next += depth;
        talk.Filled = talk.Lines = 0;
    }

    /// <summary>Takes in what has come; true when every answer of the segment is there.</summary>
    private bool Listen(ref Talk talk, byte* answers, int depth)
    {
        nint got = Libc.Receive(talk.Socket, answers + talk.Filled, AnswerRoom - talk.Filled, 0);
        if (got < 0 && Marshal.GetLastPInvokeError() == Libc.Again) return false;
        if (got <= 0) throw Broken(talk.Filled == AnswerRoom ? "gave too long an answer" : "closed a connection");
        talk.Lines += new ReadOnlySpan<byte>(answers + talk.Filled, (int)got).Count((byte)'\n');
        talk.Filled += (int)got;
        if (talk.Lines < depth) return false;
        if (talk.Lines > depth || *answers != 'S' || ++_segments % VerifyOneIn == 0)
            Verify(new ReadOnlySpan<byte>(answers, talk.Filled), talk.Asked, depth);
        _lookups += depth;
        return true;
    }

    private void Verify(ReadOnlySpan<byte> answers, int asked, int depth)
    {
        for (int at = 0; at < depth; at++)
        {
            int end = answers.IndexOf((byte)'\n');
            if (!Registration.IsRight(answers[..end], _numbers[asked + at]))
                throw new BenchException(
                    $"The index answered `{Encoding.UTF8.GetString(answers[..end])}` for file {_numbers[asked + at]}.");
            answers = answers[(end + 1)..];
            _verified++;
        }
        if (answers.Length > 0) throw new BenchException("The index gave more answers than it was asked for.");
    }

    private static BenchException Broken(string what) =>
        new($"The index {what} (last error: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}).");

    /// <summary>How far one connection is with its segment of requests.</summary>
    private struct Talk
    {
        public int Socket;
        public int Next;       // in the ring
        public int Asked;      // where in the ring the segment under way began
        public int Filled;     // bytes of answers
        public int Lines;      // complete answers among them
    }
}
