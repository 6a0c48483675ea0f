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
    private readonly Queue<Entry> _order = new();

    /// <summary>True for what a key may be.</summary>
    public static bool IsKey(string key) =>
        key.Length is > 0 and <= 64 && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>Does it, or gives the answer of who did. What failed was not done, and is tried again.</summary>
    /// <param name="who">Whose key it is.</param>
    /// <param name="key">The key.</param>
    /// <param name="request">What is asked for.</param>
    /// <param name="answer">Does it.</param>
    /// <exception cref="ProblemException">Another request had this key.</exception>
    public async Task<ApiAnswer> OnceAsync(string who, string key, byte[] request, Func<Task<ApiAnswer>> answer)
    {
        Entry entry = Take(new Entry($"{who} {key}", SHA256.HashData(request), time.GetTimestamp(),
            new Lazy<Task<ApiAnswer>>(answer)));
        try
        {
            return await entry.Answer.Value.ConfigureAwait(false);
        }
        catch
        {
            lock (_lock) Remove(entry);
            throw;
        }
    }

    private Entry Take(Entry wanted)
    {
        lock (_lock)
        {
            while (_order.TryPeek(out Entry? oldest)
                && (_order.Count >= Most || time.GetElapsedTime(oldest.At) >= Memory)) Remove(_order.Dequeue());
            if (_entries.TryAdd(wanted.Key, wanted))
            {
                _order.Enqueue(wanted);
                return wanted;
            }
            Entry entry = _entries[wanted.Key];
            if (entry.Request.AsSpan().SequenceEqual(wanted.Request)) return entry;
        }
        throw new ProblemException(HttpStatus.UnprocessableContent,
            "This Idempotency-Key was used for another request; take a new one for each.");
    }

    private void Remove(Entry entry)
    {
        if (_entries.GetValueOrDefault(entry.Key) == entry) _entries.Remove(entry.Key);
    }

    // By what it is, not by what it says: of two alike one may have failed.
    private sealed class Entry(string key, byte[] request, long at, Lazy<Task<ApiAnswer>> answer)
    {
        public string Key => key;

        public byte[] Request => request;

        public long At => at;

        public Lazy<Task<ApiAnswer>> Answer => answer;
    }
}
