using System.Runtime.InteropServices;

namespace MicroCdn;

/// <summary>Turns Ctrl-C and SIGTERM into a cancellation, so that every verb can put things in order.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public Interruption() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel),
    ];

    public CancellationToken Token => _source.Token;

    /// <summary>Ends a moment after the interruption.</summary>
    /// <returns>The exit code of what is left to itself then.</returns>
    public async Task<int> EndAsync(TimeSpan moment)
    {
        // An exception would have to be compiled first.
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, Token)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.Delay(moment, TimeProvider.System);
        return ExitCode.Interrupted;
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _source.Dispose();
    }

    private void Cancel(PosixSignalContext context)
    {
        // The second signal is obeyed at once: nobody should have to wait for an orderly end twice.
        context.Cancel = !_source.IsCancellationRequested;
        if (context.Cancel) _source.Cancel();
    }
}
