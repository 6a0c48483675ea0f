using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Content;

/// <summary>The tether to one monitor: a connection that stays open, and whose end tells it that this process is
/// gone.</summary>
/// <remarks>
/// <para>A crashed process is known from its closed connections at once, without any timeout; heartbeats are for what
/// hangs or is cut off. A lost tether is made again at once, then after growing pauses, jittered so that a fleet does
/// not come back in step.</para>
/// <para>Everything but a version 2 WELCOME means version 1, but a close may also mean that the monitor goes down, and
/// silence that it hangs: only who answers so again and again is taken for one of version 1, and asked once more after
/// ten minutes.</para>
/// </remarks>
internal sealed partial class MonitorLink(ContentOptions options, MonitorAddress address, long incarnation,
    IDialer dialer, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StayedTethered = TimeSpan.FromSeconds(2);

    // A twin may be the remains of this server's last start, which its monitor still believes in for a while.
    private static readonly TimeSpan TwinPause = TimeSpan.FromSeconds(5);

    // What only an operator can mend need not be asked for often.
    private static readonly TimeSpan RefusedPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    // How long a monitor whose tether broke is still beaten to in version 2: the interval of version 1, which it would
    // hear next. Until then it is made again, or the monitor is gone.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    // How long the first beat waits for the first try to tell the monitor's version: one that is heard in version 1
    // first, and in version 2 a moment later, would be two servers to its monitor. No longer than a beat of version 1
    // may take: a firewall may swallow the try.
    private static readonly TimeSpan FirstTry = TimeSpan.FromSeconds(3);

    private const int UsualDoubts = 2;
    private const int DoubtsOfOneThatTethered = 10;

    // Of this server alone, and the same in every run of a simulation.
    private readonly Random _chance = new(SeedOf(options.Id, incarnation));
    private readonly byte[] _tether = Encoding.UTF8.GetBytes($"TETHER {options.Id} {options.TcpPort} {options.UdpPort}"
        + $" inc={incarnation} beat={(long)options.HeartbeatInterval.TotalMilliseconds}\n");

    private readonly long _begunAt = time.GetTimestamp();
    private volatile State _state = State.Untried;
    private volatile DatagramSeal? _seal;
    private long _lostAt;
    private volatile bool _leaving;
    private volatile bool _isTethering;
    private bool _saidBye;
    private volatile LineConnection? _connection;
    private TaskCompletionSource? _farewell;
    private bool _everTethered;
    private int _doubts;
    private string? _said;

    private enum State
    {
        Untried,
        Version1,
        Tethered,
        Lost,
        Twin,
    }

    // What became of one try; the pause before the next follows from it.
    private enum Outcome
    {
        Ended,
        Unreachable,
        Version1,
        Refused,
        Twin,
    }

    /// <summary>Where the monitor is.</summary>
    public MonitorAddress Address => address;

    /// <summary>How this monitor is to be beaten to now; read on the heart's thread.</summary>
    public MonitorSpeech Speech => _leaving ? MonitorSpeech.Silence : _state switch
    {
        State.Tethered => MonitorSpeech.Version2,
        State.Lost when time.GetElapsedTime(Volatile.Read(ref _lostAt)) < Grace => MonitorSpeech.Version2,
        State.Untried when time.GetElapsedTime(_begunAt) < FirstTry => MonitorSpeech.Silence,
        // Beats of a twin would keep the other one alive.
        State.Twin => MonitorSpeech.Silence,
        // Where proof is required, nothing is said to who gave none.
        _ => options.Credentials.Mode == AuthMode.Required ? MonitorSpeech.Silence : MonitorSpeech.Version1,
    };

    /// <summary>What ends the datagrams to and from this monitor; null when neither proved anything.</summary>
    public DatagramSeal? Seal => _seal;

    /// <summary>Keeps the tether until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        TimeSpan pause = FirstPause;
        while (true)
        {
            if (_leaving) await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
            long began = time.GetTimestamp();
            Outcome outcome = await TryStayAsync(cancellationToken).ConfigureAwait(false);
            if (outcome == Outcome.Ended && time.GetElapsedTime(began) >= StayedTethered) pause = FirstPause;
            TimeSpan wait = outcome switch
            {
                Outcome.Version1 when _doubts >= (_everTethered ? DoubtsOfOneThatTethered : UsualDoubts) => Memory,
                Outcome.Twin => TwinPause,
                Outcome.Refused => RefusedPause,
                _ => pause * (0.5 + (_chance.NextDouble() / 2)),
            };
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes leave: no beat follows, and the end of the connection will mean nothing. Returns when the monitor
    /// has answered, or does not.</summary>
    public async Task LeaveAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource farewell = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _farewell = farewell;
        _leaving = true;
        // A tether that is just being made says it itself, once it holds.
        if (_connection is null && !_isTethering) return;
        try
        {
            if (_connection is { } connection) await SayByeAsync(connection, cancellationToken).ConfigureAwait(false);
            await farewell.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Gone is told too.
        }
    }

    // Once: who leaves makes no other tether.
    private ValueTask SayByeAsync(LineConnection connection, CancellationToken cancellationToken) =>
        Interlocked.Exchange(ref _saidBye, true) ? ValueTask.CompletedTask
            : connection.SendAsync(Encoding.UTF8.GetBytes($"BYE {options.Id}\n"), cancellationToken);

    // Makes the tether and stays until it ends.
    private async Task<Outcome> TryStayAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await Speaking2.TryDialAsync(dialer, address.Host, address.TcpPort, time, options.Self,
                cancellationToken)
                .ConfigureAwait(false) is not { } connection)
            {
                _doubts++;
                _state = State.Version1;
                return Outcome.Version1;
            }
            _isTethering = true;
            await using (connection.ConfigureAwait(false))
            {
                // Before TETHER: the monitor may ask at once.
                _seal = connection.Seal;
                Outcome outcome = await TetherAsync(connection, cancellationToken).ConfigureAwait(false);
                if (outcome != Outcome.Ended) return outcome;
                await StayAsync(connection, cancellationToken).ConfigureAwait(false);
                return Outcome.Ended;
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            if (_state == State.Untried) _state = State.Version1;
            Say(LogLevel.Warning, $"has no tether of {options.Id}, trying on: {exception.Message}");
            return Outcome.Unreachable;
        }
        finally
        {
            _isTethering = false;
            _farewell?.TrySetResult();
        }
    }

    // Ended stands for a tether that holds.
    private async Task<Outcome> TetherAsync(LineConnection connection, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(AnswerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        ReadOnlyMemory<byte>? answer;
        try
        {
            await connection.SendAsync(_tether, either.Token).ConfigureAwait(false);
            answer = await connection.ReadLineAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"no answer to TETHER within {AnswerTime.TotalSeconds} s");
        }
        if (answer is not { } line) throw new IOException("it closed the connection at TETHER");
        _doubts = 0;
        if (line.Span.SequenceEqual("OK TETHERED"u8))
        {
            _everTethered = true;
            return Outcome.Ended;
        }
        string text = Encoding.UTF8.GetString(line.Span);
        if (line.Span.SequenceEqual("ERROR TWIN"u8))
        {
            _state = State.Twin;
            Say(LogLevel.Error, $"says that another process already goes by {options.Id}: is it running twice, here or "
                + $"elsewhere? This one, start {incarnation} at TCP port {options.TcpPort}, sends no heartbeats there "
                + "until the other is gone");
            return Outcome.Twin;
        }
        _state = State.Version1;
        // One that speaks version 2 without tethers is, for all that matters here, one of version 1.
        if (line.Span.SequenceEqual(WireErrors.UnknownCommand.Line.Span[..^1]))
        {
            _doubts = UsualDoubts;
            _everTethered = false;
            return Outcome.Version1;
        }
        Say(LogLevel.Error, $"refused the tether of {options.Id}: {text}");
        return Outcome.Refused;
    }

    private async Task StayAsync(LineConnection connection, CancellationToken cancellationToken)
    {
        _connection = connection;
        _state = State.Tethered;
        Say(LogLevel.Information, $"holds the tether of {options.Id}");
        try
        {
            if (_leaving) await SayByeAsync(connection, cancellationToken).ConfigureAwait(false);
            while (await connection.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
            {
                if (line.Span.SequenceEqual("OK BYE"u8)) _farewell?.TrySetResult();
            }
        }
        finally
        {
            Volatile.Write(ref _lostAt, time.GetTimestamp());
            _state = State.Lost;
            _connection = null;
        }
        if (!_leaving) Say(LogLevel.Warning, $"lost the tether of {options.Id}, making it again");
    }

    // The same once, however often it is found again.
    private void Say(LogLevel level, string what)
    {
        if (_said == what) return;
        _said = what;
        LogNews(level, address, what);
    }

    /// <summary>A seed of one server's own, the same in every run of a simulation.</summary>
    internal static int SeedOf(ServerId id, long incarnation)
    {
        uint seed = 2_166_136_261;
        foreach (char letter in id.Value) seed = (seed ^ letter) * 16_777_619;
        return (int)(seed ^ (uint)incarnation);
    }

    [LoggerMessage(EventId = 4030, Message = "the monitor at {Monitor} {What}")]
    private partial void LogNews(LogLevel level, MonitorAddress monitor, string what);
}

/// <summary>How a monitor is to be beaten to.</summary>
internal enum MonitorSpeech
{
    /// <summary>The line of version 1, every three seconds.</summary>
    Version1,

    /// <summary>The numbered beat.</summary>
    Version2,

    /// <summary>Not at all.</summary>
    Silence,
}
