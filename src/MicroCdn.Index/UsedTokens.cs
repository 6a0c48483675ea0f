using System.Globalization;
using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Index;

/// <summary>Remembers which tokens were used, also over a restart, until they would have ended anyway.</summary>
/// <remarks>The file is replaced whole and made durable before a token counts as used: a power cut cannot give it
/// back. It is read again each time: indexes of one machine share a folder unless they are told otherwise.</remarks>
internal sealed class UsedTokens(string? folder)
{
    /// <summary>Most tokens remembered at once: a fleet of the largest size, joined within one token's life.</summary>
    public const int Most = Limits.Servers;

    private readonly Lock _lock = new();
    private readonly Dictionary<TokenId, long> _used = [];

    /// <summary>Marks a token as used; waits for the disk.</summary>
    /// <returns>False when it was used before.</returns>
    /// <exception cref="IOException">It cannot be remembered, so it must not be taken.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public bool TryTake(JoinToken token, long now)
    {
        lock (_lock)
        {
            Read();
            foreach ((TokenId id, long expires) in _used)
            {
                if (expires < now) _used.Remove(id);
            }
            if (_used.Count >= Most) throw new IOException($"{Most} tokens were used within their lives");
            // One that could not be written down stays taken: better a token lost than one taken twice.
            if (!_used.TryAdd(token.Id, token.Expires)) return false;
            Write();
            return true;
        }
    }

    private static string PathIn(string folder) => Path.Combine(folder, "used-tokens");

    private void Read()
    {
        if (folder is null) return;
        new LineFile(PathIn(folder)).Read(line =>
        {
            Words words = new(line);
            if (words.Next(out ReadOnlySpan<byte> word) && TokenId.TryParse(word, out TokenId id)
                && words.NextNumber(out long expires)) _used[id] = expires;
        });
    }

    private void Write()
    {
        if (folder is null) return;
        StringBuilder text = new();
        foreach ((TokenId id, long expires) in _used) text.Append(CultureInfo.InvariantCulture, $"{id} {expires}\n");
        using AtomicFile file = AtomicFile.Create(PathIn(folder));
        file.Write(Encoding.ASCII.GetBytes(text.ToString()));
        file.Commit();
    }
}
