using System.Security.Cryptography;
using MicroCdn.Http;

namespace MicroCdn.Gateway.Api;

/// <summary>Has what was asked for twice with one key done once: the second gets the first one's answer
/// (Idempotency-Key, draft-ietf-httpapi-idempotency-key-header).</summary>
internal sealed class Repeats(TimeProvider time)
{
    /// <summary>Most keys that are remembered; beyond them the oldest are forgotten.</summary>
    public const int Most = 10_000;

    /// <summary>How long.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();

    /// <summary>True for what a key may be.</summary>
    public static bool IsKey(string key) =>
        key.Length is > 0 and <= 64 && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>Does it, or gives the answer of who did.</summary>
    /// <param name="who">Whose key it is.</param>
    /// <param name="key">The key.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="answer">Does it.</param>
    /// <exception cref="ProblemException">Another request had this key.</exception>
    public Task<ApiAnswer> OnceAsync(string who, string key, byte[] request, Func<Task<ApiAnswer>> answer)
    {
        byte[] digest = SHA256.HashData(request);
        string whole = $"{who} {key}";
        lock (_lock)
        {
            while (_order.TryPeek(out string? oldest) && (_order.Count >= Most
                || time.GetElapsedTime(_entries[oldest].At) >= Memory)) _entries.Remove(_order.Dequeue());
            if (!_entries.TryGetValue(whole, out Entry? entry))
            {
                _entries.Add(whole, entry = new Entry(digest, time.GetTimestamp(), new Lazy<Task<ApiAnswer>>(answer)));
                _order.Enqueue(whole);
            }
            if (entry.Request.AsSpan().SequenceEqual(digest)) return entry.Answer.Value;
        }
        throw new ProblemException(HttpStatus.UnprocessableContent,
            "This Idempotency-Key was used for another request; take a new one for each.");
    }

    private sealed record Entry(byte[] Request, long At, Lazy<Task<ApiAnswer>> Answer);
}
