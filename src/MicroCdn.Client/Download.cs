using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>One download: from the question where the file is to the file in place.</summary>
/// <remarks>
/// 1. Ask the index, or remember what it said. 2. Where chunks can be verified, fetch by chunks; else in order. 3. When
/// the servers have another version by now, begin anew with that one, and say so: two versions are never mixed.
/// </remarks>
internal sealed class Download(FileName name, string target, Surroundings around, DownloadOptions options)
{
    // A file that changes more often than this while it is fetched is no file to be fetched.
    private const int MostVersions = 5;

    // An index that restarts, or a fleet of which the last server restarts, is back by then; a person who named the
    // wrong index waits no longer.
    public static readonly TimeSpan FirstPatience = TimeSpan.FromSeconds(3);

    public async Task<DownloadResult> RunAsync(CancellationToken cancellationToken)
    {
        Location location = await FindAsync(cancellationToken).ConfigureAwait(false);
        if (location.IsDoubted)
        {
            options.Notice?.Invoke($"the index does not know '{name}': asking the servers that had it");
        }
        for (int version = 0; version < MostVersions; version++)
        {
            if (!location.HasChunks) return await RunWholeAsync(location, cancellationToken).ConfigureAwait(false);
            using ChunkedDownload chunked = new(name, location, target, around, options);
            ChunkedEnd end = await chunked.RunAsync(cancellationToken).ConfigureAwait(false);
            if (end.Result is { } result) return result;
            if (end.NeedsWhole)
            {
                result = await RunWholeAsync(location, cancellationToken).ConfigureAwait(false);
                chunked.Discard();
                return result;
            }
            location = end.Changed!;
            options.Notice?.Invoke($"'{name}' has changed on the servers: starting over");
        }
        throw new CdnException(CdnFailure.Unreachable, $"'{name}' changes faster than it can be fetched");
    }

    public Task<DownloadResult> RunFromAsync(string host, int port, CancellationToken cancellationToken) =>
        new SequentialDownload(name, target, around, options).RunFromAsync(host, port, cancellationToken);

    public static CdnException NotFound(FileName name) =>
        new(CdnFailure.NotFound, $"no live server has a file '{name}'");

    private Task<DownloadResult> RunWholeAsync(Location location, CancellationToken cancellationToken) =>
        new SequentialDownload(name, target, around, options).RunAsync(location, cancellationToken);

    private async Task<Location> FindAsync(CancellationToken cancellationToken)
    {
        long began = around.Time.GetTimestamp();
        while (true)
        {
            try
            {
                return await around.Finder.FindAsync(name, [], cancellationToken).ConfigureAwait(false)
                    ?? throw NotFound(name);
            }
            catch (IOException) when (around.Time.GetElapsedTime(began) < FirstPatience)
            {
                await Task.Delay(around.Options.AskAgain, around.Time, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is IOException or InvalidDataException)
            {
                throw new CdnException(CdnFailure.Unreachable, exception.Message, exception);
            }
        }
    }
}
