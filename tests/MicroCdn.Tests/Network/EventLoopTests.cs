using System.Net.Sockets;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace MicroCdn.Tests.Network;

/// <summary>What the connections of one loop owe each other, and the loop the rest of the process.</summary>
public sealed class EventLoopTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_connection_that_fails_even_at_its_end_takes_nothing_from_the_others()
    {
        Words words = new();
        using LoopPort port = new(words);
        await using NetworkStream holder = port.Connect(), faulty = port.Connect(), idle = port.Connect();
        NetworkStream[] others = [.. Enumerable.Range(0, 20).Select(_ => port.Connect())];
        foreach (NetworkStream each in (NetworkStream[])[holder, faulty, idle, .. others]) await AskAsync(each, 'a');
        // All that comes while the loop is held comes to it at once, in this order.
        await holder.WriteAsync("h"u8.ToArray());
        await words.Held.Task.WaitAsync(Bound);
        await faulty.WriteAsync("f"u8.ToArray());
        foreach (NetworkStream other in others) await other.WriteAsync("a"u8.ToArray());
        words.Release.Set();
        foreach (NetworkStream other in others) await ReadAsync(other);
        Assert.Equal(0, await faulty.ReadAsync(new byte[1]).AsTask().WaitAsync(Bound));
        await port.RoundAsync();
        Assert.Equal(2 + others.Length, port.Open);

        // Also at the loop's own end.
        words.FailsAtEnd = true;
        port.Dispose();
        Assert.Equal(0, port.Open);
        foreach (NetworkStream other in others) await other.DisposeAsync();
    }

    [Fact]
    public async Task An_answer_that_comes_after_the_loops_end_writes_into_nobody_elses_file()
    {
        Words words = new();
        LoopPort port = new(words);
        await using NetworkStream asker = port.Connect();
        await asker.WriteAsync("l"u8.ToArray());
        Answer answer = await words.Postponed.Task.WaitAsync(Bound);
        port.Dispose();
        // The kernel gives out the lowest free number: one of these has that of the loop's wake.
        using TemporaryFolder folder = new();
        SafeFileHandle[] files = [.. Enumerable.Range(0, 64).Select(number =>
            File.OpenHandle(folder[$"{number}"], FileMode.CreateNew, FileAccess.Write))];
        answer.Complete("late"u8);
        Assert.All(files, file => Assert.Equal(0, RandomAccess.GetLength(file)));
        foreach (SafeFileHandle file in files) file.Dispose();
    }

    [Fact]
    public async Task Handshakes_that_come_all_at_once_let_others_have_their_turn_between()
    {
        const int flood = 50;
        Words words = new();
        using TlsPort secure = new(words);
        int plain = secure.Loop.Listen(words, null);
        await using NetworkStream holder = secure.Loop.Connect(plain), other = secure.Loop.Connect(plain);
        await AskAsync(holder, 'a');
        await AskAsync(other, 'a');
        NetworkStream[] shaking = [.. Enumerable.Range(0, flood).Select(_ => secure.Connect())];
        // Until each was accepted and had a turn: one at least in each round.
        for (int round = 0; round < 3 * flood; round++) await secure.Loop.RoundAsync();
        Assert.Equal(flood + 2, secure.Loop.Open);

        await holder.WriteAsync("h"u8.ToArray());
        await words.Held.Task.WaitAsync(Bound);
        byte[] hello = new OpenSslClient(shaking[0], "http/1.1").Hello();
        foreach (NetworkStream each in shaking) await each.WriteAsync(hello);
        await other.WriteAsync("a"u8.ToArray());
        int answered = -1;
        words.Answering = () => answered = shaking.Count(each => each.DataAvailable);
        words.Release.Set();
        await ReadAsync(other);
        Assert.InRange(answered, 0, 10);
        foreach (NetworkStream each in shaking) await ReadAsync(each);
        foreach (NetworkStream each in shaking) await each.DisposeAsync();
    }

    private static async Task AskAsync(NetworkStream stream, char word)
    {
        await stream.WriteAsync(new[] { (byte)word });
        await ReadAsync(stream);
    }

    private static Task ReadAsync(NetworkStream stream) =>
        stream.ReadExactlyAsync(new byte[1]).AsTask().WaitAsync(Bound);

    // One letter is a message: a is answered, f fails, h holds the loop, l is answered later.
    private sealed class Words : IConversations
    {
        public TaskCompletionSource Held { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<Answer> Postponed { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ManualResetEventSlim Release { get; } = new();

        public Action? Answering { get; set; }

        public bool FailsAtEnd { get; set; }

        public Conversation Begin(IPeer peer, Answer answer, long now) => new Speaker(this, answer, now);
    }

    private sealed class Speaker(Words words, Answer answer, long now) : Conversation(answer, now)
    {
        private bool _failed;

        protected override long Deadline => long.MaxValue;

        public override void End()
        {
            base.End();
            if (_failed || words.FailsAtEnd) throw new InvalidOperationException("this is what the test is about");
        }

        protected override int Take(ReadOnlySpan<byte> input, long now)
        {
            switch (input[0])
            {
                case (byte)'f':
                    _failed = true;
                    throw new InvalidOperationException("this is what the test is about");
                case (byte)'h':
                    words.Held.SetResult();
                    words.Release.Wait(Bound);
                    break;
                case (byte)'l':
                    Answer.Later();
                    words.Postponed.SetResult(Answer);
                    break;
                default:
                    words.Answering?.Invoke();
                    Answer.Write("a"u8);
                    break;
            }
            return 1;
        }

        protected override void Late(long now) => Answer.Close();
    }
}
