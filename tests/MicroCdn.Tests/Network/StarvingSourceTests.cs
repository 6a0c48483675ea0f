using System.Text;
using MicroCdn.Network;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Network;

/// <summary>Answers whose bytes come from elsewhere, a piece at a time, and slower than the peer takes them.</summary>
public sealed class StarvingSourceTests
{
    private readonly SlowSource _source = new();

    [Fact]
    public void What_comes_later_follows_after_a_wake_and_the_next_line_waits()
    {
        Wire wire = new Wire(Service()).Receive("GET\nnext\n");
        Assert.Equal("OK\n", wire.Take());
        Assert.True(wire.Answer.Starves);
        Assert.False(wire.Conversation.IsOver);
        _source.Give("one ");
        Assert.Equal(1, wire.Completions);
        Assert.Equal("one ", wire.Turn().Take());
        Assert.True(wire.Answer.Starves);
        _source.Give("two\n", isLast: true);
        Assert.Equal("two\n[next]\n", wire.Turn().Take());
        Assert.False(wire.Answer.Starves);
        Assert.Equal(1, _source.Disposals);
    }

    [Fact]
    public void A_peer_that_does_not_read_is_what_is_waited_for()
    {
        Wire wire = new Wire(Service()) { Window = 1 }.Receive("GET\n");
        Assert.False(wire.Answer.Starves);
        _source.Give("one ");
        wire.Window = 2;
        Assert.False(wire.Turn().Answer.Starves);
        wire.Window = 4;
        Assert.True(wire.Turn().Answer.Starves);
        Assert.Equal("OK\none ", wire.Sent);
    }

    [Fact]
    public void A_source_that_cuts_ends_the_connection_short()
    {
        Wire wire = new Wire(Service()).Receive("GET\n");
        _source.Cut();
        Assert.True(wire.Turn().Answer.Broken);
        Assert.True(wire.Conversation.IsOver);
    }

    [Fact]
    public void A_source_is_disposed_when_the_connection_ends_while_it_has_nothing()
    {
        Wire wire = new Wire(Service()).Receive("GET\n");
        wire.Conversation.End();
        Assert.Equal(1, _source.Disposals);
    }

    [Fact]
    public void What_a_postponed_answer_waits_for_is_disposed_when_the_connection_ends_before_and_else_never()
    {
        SlowSource preparation = new();
        Answer? postponed = null;
        ScriptService service = new((_, answer) => (postponed = answer).Later(preparation));
        Wire wire = new Wire(service).Receive("GET\nGET\n");
        postponed!.Complete("OK\n"u8);
        wire.Turn();
        Assert.Equal(0, preparation.Disposals);
        wire.Conversation.End();
        wire.Conversation.End();
        Assert.Equal(1, preparation.Disposals);
    }

    private ScriptService Service() => new((line, answer) =>
    {
        if (line != "GET")
        {
            answer.Write(Encoding.UTF8.GetBytes($"[{line}]\n"));
            return;
        }
        answer.Write("OK\n"u8);
        answer.SendList(_source);
    });

    // Has what a test gave it, and remembers that it was asked in vain.
    private sealed class SlowSource : ILineSource, IDisposable
    {
        private readonly Lock _lock = new();
        private string _text = "";
        private bool _isLast;
        private bool _isCut;
        private Answer? _asleep;

        public int Disposals { get; private set; }

        public void Give(string text, bool isLast = false) => Change(() => (_text, _isLast) = (_text + text, isLast));

        public void Cut() => Change(() => _isCut = true);

        public bool Write(Answer answer)
        {
            lock (_lock)
            {
                if (_isCut) answer.Discard();
                if (_isCut) return false;
                answer.Write(_text.Utf8());
                _asleep = _text.Length == 0 ? answer : null;
                _text = "";
                return !_isLast;
            }
        }

        public void Dispose() => Disposals++;

        private void Change(Action change)
        {
            Answer? asleep;
            lock (_lock)
            {
                change();
                (asleep, _asleep) = (_asleep, null);
            }
            asleep?.Wake();
        }
    }
}
