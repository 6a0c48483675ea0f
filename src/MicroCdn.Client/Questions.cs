using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Asks the index again and again for servers while a download has nobody left to ask.</summary>
internal sealed class Questions(FileName name, Surroundings around, Func<string[]> failed, Action answered)
{
    private readonly Lock _lock = new();
    private TimeSpan _askAt;
    private bool _asking;
    private bool _hasAnswer;
    private Location? _answer;
    private string? _lastFailure;

    /// <summary>Why the index did not answer the last time.</summary>
    public string? LastFailure
    {
        get
        {
            lock (_lock) return _lastFailure;
        }
    }

    /// <summary>Asks, unless it is being asked, or was just asked; returns when it should be asked next.</summary>
    public TimeSpan Ask(TimeSpan now, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_asking || now < _askAt) return _asking ? TimeSpan.MaxValue : _askAt;
            _asking = true;
            _askAt = now + around.Options.AskAgain;
        }
        _ = Task.Run(() => AskAsync(cancellationToken), CancellationToken.None);
        return TimeSpan.MaxValue;
    }

    /// <summary>The newest answer, once; null as the answer when the index knew nothing, or was silent.</summary>
    public bool TakeAnswer(out Location? answer)
    {
        lock (_lock)
        {
            bool has = _hasAnswer;
            (answer, _answer, _hasAnswer) = (_answer, null, false);
            return has;
        }
    }

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        Location? location = null;
        string? failure = null;
        try
        {
            location = await around.Finder.FindAsync(name, failed(), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
            when (exception is IOException or InvalidDataException or OperationCanceledException)
        {
            failure = exception.Message;
        }
        lock (_lock) (_answer, _hasAnswer, _asking, _lastFailure) = (location, true, false, failure);
        answered();
    }
}
