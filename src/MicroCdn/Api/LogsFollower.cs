using System.Text.Json;
using MicroCdn.Client;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Api;

/// <summary>Hears of each event once, also over restarts of the index.</summary>
internal sealed class LogsFollower(ApiClient client, long after, Action<string> say, TimeProvider time) : IDisposable
{
    // It tells its figures once a second.
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private HttpResponseMessage? _response;
    private EventFrames? _frames;
    private bool _isLost;

    /// <summary>Waits for the next event.</summary>
    /// <exception cref="CdnException">The index refuses to tell.</exception>
    public async Task<EventView> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                if (await ReadAsync(cancellationToken) is { } next) return next;
            }
            catch (CdnException exception) when (exception.Failure == CdnFailure.Unreachable)
            {
                if (!_isLost) say($"{exception.Message} Trying on; Ctrl-C ends it.");
                _isLost = true;
                Dispose();
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _response?.Dispose();
        (_response, _frames) = (null, null);
    }

    // Null for what is no event.
    private async Task<EventView?> ReadAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource silent = new(LongestSilence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silent.Token, cancellationToken);
        try
        {
            if (_frames is null)
            {
                _response = await client.ListenAsync(after, cancellationToken);
                _frames = new EventFrames(await _response.Content.ReadAsStreamAsync(cancellationToken));
                if (_isLost) say("the index tells again what happens.");
                _isLost = false;
            }
            if (await _frames.ReadAsync(either.Token) is not { } frame)
            {
                throw client.Lost("it ended the stream of events");
            }
            if (frame.Kind == "gap") say("some events are not remembered any more, and are missing here.");
            return frame.Kind == "change" ? Understand(frame) : null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw client.Lost($"it said nothing for {LongestSilence.TotalSeconds} s");
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or InvalidDataException)
        {
            throw client.Lost(exception.Message.TrimEnd('.'));
        }
    }

    private EventView? Understand(EventFrame frame)
    {
        try
        {
            EventView? told = JsonSerializer.Deserialize(frame.Data, ApiShapes.Default.EventView);
            if (told is not null) after = told.Id;
            return told;
        }
        catch (JsonException)
        {
            throw client.Lost("it told an event that cannot be read");
        }
    }
}
