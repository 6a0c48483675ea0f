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
