using System.Text;
using MicroCdn.Http;
using MicroCdn.Network;

namespace MicroCdn.Admin;

/// <summary>Answers who looks after a process: whether it runs, whether it is of use, and what it measures.</summary>
public sealed class WatchPages : IDisposable
{
    private const string MetricsType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly IReadOnlyList<IWatched> _roles;
    private readonly Measurements _measurements;

    /// <summary>Takes the roles of the process.</summary>
    /// <param name="roles">The roles.</param>
    /// <param name="time">The clock.</param>
    public WatchPages(IEnumerable<IWatched> roles, TimeProvider time)
    {
        _roles = [.. roles];
        _measurements = new Measurements(_roles, time);
    }

    /// <summary>True for the paths that are answered here.</summary>
    public static bool IsFor(ReadOnlySpan<byte> path) =>
        path.SequenceEqual("/healthz"u8) || path.SequenceEqual("/readyz"u8) || path.SequenceEqual("/metrics"u8);

    /// <summary>Answers a GET or HEAD of one of these paths.</summary>
    public void Answer(in Request request, Response response)
    {
        if (request.Path.SequenceEqual("/healthz"u8)) response.Explain(HttpStatus.Ok, "ok");
        else if (request.Path.SequenceEqual("/readyz"u8)) AnswerReady(response);
        else AnswerMetrics(response);
    }

    /// <inheritdoc/>
    public void Dispose() => _measurements.Dispose();

    private void AnswerReady(Response response)
    {
        StringBuilder page = new();
        bool isReady = true;
        foreach (IWatched role in _roles)
        {
            foreach (ReadyCheck check in role.Checks())
            {
                isReady &= check.Trouble is null;
                page.Append(check.What).Append(": ").Append(check.Trouble ?? "ok").Append('\n');
            }
        }
        page.Append(isReady ? "ready\n" : "not ready\n");
        response.Begin(isReady ? HttpStatus.Ok : HttpStatus.ServiceUnavailable);
        Write(response, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(page.ToString()));
    }

    private void AnswerMetrics(Response response)
    {
        response.Later();
        _ = Task.Run(async () =>
        {
            try
            {
                byte[] page = await _measurements.PageAsync().ConfigureAwait(false);
                response.Give(later =>
                {
                    later.Begin(HttpStatus.Ok);
                    Write(later, MetricsType, page);
                });
            }
            catch (Exception exception)
            {
                response.Give(later => later.Explain(HttpStatus.ServiceUnavailable, exception.Message));
            }
        });
    }

    private static void Write(Response response, string type, byte[] page)
    {
        response.Field("Content-Type"u8, Encoding.ASCII.GetBytes(type));
        response.Field("X-Content-Type-Options"u8, "nosniff"u8);
        response.Field("Cache-Control"u8, "no-store"u8);
        response.EndWithMemory(page);
    }
}
