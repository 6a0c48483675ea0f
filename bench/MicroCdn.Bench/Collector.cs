using System.Net;

namespace MicroCdn.Bench;

/// <summary>A collector of OTLP over HTTP that takes everything and keeps nothing but its size.</summary>
internal sealed class Collector : IDisposable
{
    private readonly HttpListener _listener = new();
    private long _bytes;

    /// <summary>Listens on a port of 127.0.0.1.</summary>
    public Collector()
    {
        Url = $"http://127.0.0.1:{Machine.FreePort()}";
        _listener.Prefixes.Add($"{Url}/");
        _listener.Start();
        _ = Task.Run(AcceptAsync);
    }

    public string Url { get; }

    /// <summary>How much came.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    public void Dispose() => _listener.Close();

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = TakeAsync(await _listener.GetContextAsync());
        }
        catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
        {
            // The run is over.
        }
    }

    private async Task TakeAsync(HttpListenerContext call)
    {
        byte[] buffer = new byte[16 * 1024];
        try
        {
            while (await call.Request.InputStream.ReadAsync(buffer) is > 0 and var got)
            {
                Interlocked.Add(ref _bytes, got);
            }
            call.Response.Close();
        }
        catch (Exception exception) when (exception is HttpListenerException or IOException)
        {
            // The server is gone.
        }
    }
}
