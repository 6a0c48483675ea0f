namespace MicroCdn.Testing;

/// <summary>The fake network's queue of events: what is posted runs in order, one at a time.</summary>
internal sealed class Pump(Action<Exception> fault)
{
    private readonly Lock _lock = new();
    private readonly Queue<Action> _posts = new();
    private bool _running;

    public void Post(Action post)
    {
        lock (_lock)
        {
            _posts.Enqueue(post);
            if (_running) return;
            _running = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(static pump => pump.Run(), this, preferLocal: false);
    }

    private void Run()
    {
        while (true)
        {
            Action? post;
            lock (_lock)
            {
                if (!_posts.TryDequeue(out post))
                {
                    _running = false;
                    return;
                }
            }
            try
            {
                post();
            }
            catch (Exception exception)
            {
                // A session or handler that throws would end a loop thread of the real network: the test must be red.
                fault(exception);
            }
        }
    }
}
