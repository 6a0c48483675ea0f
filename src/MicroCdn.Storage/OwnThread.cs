namespace MicroCdn.Storage;

/// <summary>Runs work that waits for the disk on threads of its own: the pool, on which everybody else's work runs, has
/// hardly more threads than there are processors.</summary>
/// <remarks>A thread that is done waits a while for the next work: to make one for every fsync of a small file costs
/// more processor time than the fsync.</remarks>
public static class OwnThread
{
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);
    private static readonly object Gate = new();
    private static readonly Queue<(Action Work, TaskCompletionSource Done)> Waiting = [];
    private static int _resting;

    /// <summary>Runs it to its end, at once.</summary>
    public static Task RunAsync(Action work)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (Gate)
        {
            // Each that rests takes one: nobody's work waits for the end of another's.
            if (_resting > Waiting.Count)
            {
                Waiting.Enqueue((work, done));
                Monitor.Pulse(Gate);
                return done.Task;
            }
        }
        new Thread(() => Work((work, done))) { IsBackground = true, Name = "disk" }.Start();
        return done.Task;
    }

    private static void Work((Action Work, TaskCompletionSource Done) next)
    {
        do
        {
            Exception? failure = null;
            try
            {
                next.Work();
            }
            catch (Exception exception)
            {
                failure = exception;
            }
            // Before anybody hears that it is done: who has more to do then finds this thread.
            lock (Gate) _resting++;
            if (failure is null) next.Done.SetResult();
            else next.Done.SetException(failure);
        }
        while (TryTake(out next));
    }

    private static bool TryTake(out (Action Work, TaskCompletionSource Done) next)
    {
        lock (Gate)
        {
            bool isInTime = true;
            while (!Waiting.TryDequeue(out next) && isInTime) isInTime = Monitor.Wait(Gate, Rest);
            _resting--;
            return next.Work is not null;
        }
    }
}
