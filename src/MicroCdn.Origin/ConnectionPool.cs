namespace MicroCdn.Origin;

/// <summary>The connections to one origin: the one used last is used next, and whoever finds all of them in use
/// waits in line.</summary>
internal sealed class ConnectionPool(Dialing dialing, OriginOptions options, OriginCounters counters, TimeProvider time)
    : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<Connection> _idle = [];
    private readonly LinkedList<TaskCompletionSource<Connection?>> _waiting = [];
    private bool _isClosed;

    /// <summary>How many connections there are, idle ones and such as are being opened too.</summary>
    public int Open { get; private set; }

    /// <summary>How many of them wait for a request.</summary>
    public int Idle
    {
        get
        {
            lock (_lock) return _idle.Count;
        }
    }

    /// <summary>Gives a connection for one request; it comes back by <see cref="Return"/>.</summary>
    /// <param name="fresh">True when none will do that had a request before.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<Connection> TakeAsync(bool fresh, CancellationToken cancellationToken)
    {
        Connection? connection = null, superfluous = null;
        LinkedListNode<TaskCompletionSource<Connection?>>? place = null;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            if (!fresh) connection = TakeIdle();
            if (connection is null && Open < options.MostConnections) Open++;
            else if (connection is null && _idle.Count > 0) superfluous = TakeOut(0);
            else if (connection is null) place = StandInLine();
        }
        superfluous?.Dispose();
        if (place is not null) connection = await WaitAsync(place, cancellationToken).ConfigureAwait(false);
        if (connection is not null && (fresh || !connection.IsFresh))
        {
            connection.Dispose();
            connection = null;
        }
        if (connection is not null)
        {
            counters.Reused();
            return connection;
        }
        return await DialAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes a connection back.</summary>
    /// <param name="connection">One that <see cref="TakeAsync"/> gave.</param>
    /// <param name="isSound">True when its last answer ended as it should, so that it can be used again.</param>
    public void Return(Connection connection, bool isSound)
    {
        isSound = isSound && connection.Rest(Over);
        TaskCompletionSource<Connection?>? next = null;
        bool keeps = false;
        lock (_lock)
        {
            if (_waiting.First is { } first)
            {
                _waiting.RemoveFirst();
                next = first.Value;
            }
            else if (isSound && !_isClosed && connection.IsFresh)
            {
                PutIn(connection);
                keeps = true;
            }
            else Open--;
        }
        if (!keeps && !(isSound && next is not null)) connection.Dispose();
        next?.SetResult(isSound ? connection : null);
        // It may have ended between the look and the shelf.
        if (keeps && !connection.IsFresh) Forget(connection);
    }

    /// <summary>Closes what is idle; what is in use is closed when it comes back.</summary>
    public void Dispose()
    {
        Connection[] idle;
        lock (_lock)
        {
            _isClosed = true;
            idle = [.. _idle];
            Open -= idle.Length;
            while (_idle.Count > 0) TakeOut(_idle.Count - 1);
        }
        foreach (Connection connection in idle) connection.Dispose();
    }

    private Connection? TakeIdle()
    {
        while (_idle.Count > 0)
        {
            Connection last = TakeOut(_idle.Count - 1);
            if (last.IsFresh) return last;
            Open--;
            last.Dispose();
        }
        return null;
    }

    private Connection TakeOut(int place)
    {
        Connection connection = _idle[place];
        _idle.RemoveAt(place);
        connection.IsIdle = false;
        return connection;
    }

    private void PutIn(Connection connection)
    {
        _idle.Add(connection);
        connection.IsIdle = true;
    }

    private LinkedListNode<TaskCompletionSource<Connection?>> StandInLine()
    {
        if (_waiting.Count >= options.MostWaiting) throw Busy("as many requests as may wait for one are waiting");
        return _waiting.AddLast(
            new TaskCompletionSource<Connection?>(TaskCreationOptions.RunContinuationsAsynchronously));
    }

    private async Task<Connection?> WaitAsync(
        LinkedListNode<TaskCompletionSource<Connection?>> place, CancellationToken cancellationToken)
    {
        try
        {
            return await place.Value.Task.WaitAsync(options.WaitTime, time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            bool isInLine;
            lock (_lock)
            {
                isInLine = place.List is not null;
                if (isInLine) _waiting.Remove(place);
            }
            // What was given in the same moment goes to the next.
            if (!isInLine) GiveBack(await place.Value.Task.ConfigureAwait(false));
            if (exception is OperationCanceledException) throw;
            throw Busy($"this one waited {options.WaitTime.TotalSeconds:0.#} s for one");
        }
    }

    private void GiveBack(Connection? connection)
    {
        if (connection is not null) Put(connection);
        else FreePlace();
    }

    // It is resting already.
    private void Put(Connection connection)
    {
        TaskCompletionSource<Connection?>? next = null;
        lock (_lock)
        {
            if (_waiting.First is { } first)
            {
                _waiting.RemoveFirst();
                next = first.Value;
            }
            else PutIn(connection);
        }
        next?.SetResult(connection);
        if (next is null && !connection.IsFresh) Forget(connection);
    }

    private void FreePlace()
    {
        TaskCompletionSource<Connection?>? next = null;
        lock (_lock)
        {
            if (_waiting.First is { } first)
            {
                _waiting.RemoveFirst();
                next = first.Value;
            }
            else Open--;
        }
        next?.SetResult(null);
    }

    private async ValueTask<Connection> DialAsync(CancellationToken cancellationToken)
    {
        try
        {
            Connection connection = await dialing.DialAsync(cancellationToken).ConfigureAwait(false);
            counters.Opened();
            return connection;
        }
        catch
        {
            FreePlace();
            throw;
        }
    }

    // Hears that a resting connection came to an end, or that its answer has begun.
    private void Over(Connection connection, Task ahead)
    {
        if (connection.IsResting(ahead)) Forget(connection);
    }

    private void Forget(Connection connection)
    {
        lock (_lock)
        {
            if (!connection.IsIdle) return;
            TakeOut(_idle.IndexOf(connection));
            Open--;
        }
        connection.Dispose();
    }

    private OriginException Busy(string why) => new(OriginFailure.Busy,
        $"All {options.MostConnections} connections to {options.Address} are in use, and {why}.");
}
