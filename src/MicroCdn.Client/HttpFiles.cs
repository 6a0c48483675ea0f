using System.Net;
using System.Net.Http.Headers;

namespace MicroCdn.Client;

/// <summary>Fetches files, or parts of them, from servers over HTTP.</summary>
internal sealed class HttpFiles(HttpMessageHandler? handler = null) : IDisposable
{
    private const int MostRedirections = 5;
    private const int MostHeadKilobytes = 64;
    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(5);

    private readonly Lazy<HttpClient> _client = new(() => new HttpClient(handler ?? new SocketsHttpHandler
    {
        ConnectTimeout = ConnectTime,
        MaxAutomaticRedirections = MostRedirections,
        MaxResponseHeadersLength = MostHeadKilobytes,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
    })
    {
        // The download has limits of its own, by silence and not by length.
        Timeout = Timeout.InfiniteTimeSpan,
    });

    /// <summary>A source of parts.</summary>
    public ISource Open(Uri url, long size, string where) => new HttpSource(this, url, size, where);

    /// <summary>Asks for a whole file.</summary>
    /// <exception cref="MissingFileException">There is none.</exception>
    /// <exception cref="HttpRequestException">The server cannot be reached.</exception>
    /// <exception cref="IOException">It answered something else.</exception>
    public async Task<Body> OpenWholeAsync(Uri url, string where, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await SendAsync(url, null, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.OK && response.Content.Headers.ContentLength is { } size)
        {
            Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            return new Body(size, stream.ReadAsync, stream);
        }
        using (response) throw Refused(response, where);
    }

    /// <summary>Reads a small document whole.</summary>
    /// <returns>Its bytes; null when there is none.</returns>
    /// <exception cref="IOException">It is longer than <paramref name="most"/>, or something else was
    /// answered.</exception>
    public async Task<byte[]?> ReadAsync(Uri url, int most, string where, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(url, null, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.NotFound) return null;
        if (response.StatusCode != HttpStatusCode.OK) throw Refused(response, where);
        await using Stream stream =
            await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using MemoryStream page = new();
        byte[] buffer = new byte[16 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and int read)
        {
            if (page.Length + read > most) throw new IOException($"{where} answered with more than {most} bytes");
            page.Write(buffer, 0, read);
        }
        return page.ToArray();
    }

    /// <summary>Says something that has no answer but a status.</summary>
    /// <exception cref="HttpRequestException">The server cannot be reached.</exception>
    public async Task PostAsync(Uri url, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, url);
        using HttpResponseMessage response = await _client.Value
            .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_client.IsValueCreated) _client.Value.Dispose();
    }

    private static IOException Refused(HttpResponseMessage response, string where) => response.StatusCode switch
    {
        HttpStatusCode.NotFound or HttpStatusCode.Gone => new MissingFileException($"{where} has no such file"),
        HttpStatusCode.RequestedRangeNotSatisfiable =>
            new MissingFileException($"{where} has another version of the file"),
        var status => new IOException($"{where} answered with status {(int)status}"),
    };

    private async Task<HttpResponseMessage> SendAsync(
        Uri url, RangeHeaderValue? range, CancellationToken cancellationToken)
    {
        HttpRequestMessage request = new(HttpMethod.Get, url) { Headers = { Range = range } };
        try
        {
            return await _client.Value
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The handler's own limit for a connection ends in the same exception as our calling it off.
            throw new HttpRequestException(
                $"{url.Authority} took no connection within {ConnectTime.TotalSeconds} s", exception);
        }
    }

    /// <summary>Parts by Range (RFC 9110, section 14), each a request of its own.</summary>
    private sealed class HttpSource(HttpFiles files, Uri url, long size, string where) : ISource
    {
        private readonly Queue<(long Offset, Task<HttpResponseMessage> Response)> _asked = new();
        private Stream? _stream;

        public int MostAsked => 2;

        public ValueTask AskAsync(
            IReadOnlyList<(long Offset, int Length)> parts, CancellationToken cancellationToken)
        {
            foreach ((long offset, int length) in parts)
            {
                RangeHeaderValue range = new(offset, offset + length - 1);
                _asked.Enqueue((offset, files.SendAsync(url, range, cancellationToken)));
            }
            return ValueTask.CompletedTask;
        }

        public async ValueTask BeginAsync(int length, CancellationToken cancellationToken)
        {
            if (_stream is not null) await _stream.DisposeAsync().ConfigureAwait(false);
            (long offset, Task<HttpResponseMessage> asked) = _asked.Dequeue();
            HttpResponseMessage response = await asked.ConfigureAwait(false);
            ContentRangeHeaderValue? range = response.Content.Headers.ContentRange;
            // A server that knows no ranges sends the file from its first byte; that will do when it is all of it.
            bool isWhole = response.StatusCode == HttpStatusCode.OK && offset == 0 && length == size
                && response.Content.Headers.ContentLength == size;
            bool isPart = response.StatusCode == HttpStatusCode.PartialContent && range?.From == offset
                && range.To == offset + length - 1 && range.Length == size;
            if (isWhole || isPart)
            {
                _stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            using (response)
            {
                if (response.StatusCode == HttpStatusCode.OK && response.Content.Headers.ContentLength == size)
                {
                    throw new WholeOnlyException($"{where} sends no parts of files");
                }
                throw range is not null && range.Length != size
                    ? new MissingFileException($"{where} has another version of the file") : Refused(response, where);
            }
        }

        public ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken) =>
            _stream!.ReadAsync(target, cancellationToken);

        public ValueTask<ChunkList?> ReadChunksAsync(
            Location location, Action heard, CancellationToken cancellationToken) =>
            ValueTask.FromResult<ChunkList?>(null);

        public async ValueTask DisposeAsync()
        {
            if (_stream is not null) await _stream.DisposeAsync().ConfigureAwait(false);
            while (_asked.TryDequeue(out (long, Task<HttpResponseMessage> Response) asked))
            {
                // Nobody waits for it; the answer, when it comes, gives its connection back.
                _ = asked.Response.ContinueWith(
                    done =>
                    {
                        if (done.IsCompletedSuccessfully) done.Result.Dispose();
                        else _ = done.Exception;
                    }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
    }
}
