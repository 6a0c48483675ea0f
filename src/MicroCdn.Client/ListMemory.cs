using System.Buffers;
using System.Globalization;
using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Client;

/// <summary>Remembers for ten minutes where files are, and the digests of their chunks, in the user's cache
/// folder.</summary>
/// <remarks>
/// So a known file can be fetched while every index is away. What was remembered is never believed more than the wire:
/// the digests in it verify what the servers send, and chunk digests are proven by their root.
/// </remarks>
internal sealed class ListMemory(CacheFolder folder, TimeProvider time)
{
    /// <summary>How long a list counts.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private const string Head = "MICROCDN-LIST 1 ";
    private const string Version1 = "VERSION 1";
    private const string Version2 = "VERSION 2";

    /// <summary>Keeps what an index said.</summary>
    public void Keep(string index, FileName name, Location location)
    {
        ArrayBufferWriter<byte> entry = new();
        entry.Write(Text($"{Head}{time.GetUtcNow().ToUnixTimeSeconds()}\nFILE "));
        PercentText.Encode(Encoding.UTF8.GetBytes(name.Value), entry);
        entry.Write(Text($" {location.Size}"));
        if (!location.Digest.IsNone) entry.Write(Text($" sha256={location.Digest}"));
        if (!location.Root.IsNone) entry.Write(Text($" chunks={location.Root}"));
        entry.Write("\n"u8);
        foreach (Holder holder in location.Holders)
        {
            entry.Write(Text(holder.Url is null
                ? $"SERVER {holder.Host} {holder.Port} {holder.Id} {location.Size}\n"
                : $"URL {holder.Id} {holder.Url.AbsoluteUri}\n"));
        }
        folder.Put(KeyOf(index, name), entry.WrittenSpan);
        if (location.Chunks is { } chunks && !location.Root.IsNone) Keep(location.Root, chunks);
    }

    /// <summary>What an index said less than ten minutes ago; null when nothing was kept.</summary>
    public Location? Recall(string index, FileName name)
    {
        if (folder.Get(KeyOf(index, name)) is not { } entry) return null;
        string[] lines = Encoding.UTF8.GetString(entry).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length < 2 || !IsYoung(lines[0])) return null;
        LocationReader reader = new(name);
        List<Holder> urls = [];
        foreach (string line in lines.AsSpan(1))
        {
            if (line.Split(' ') is ["URL", var id, var url])
            {
                if (Uri.TryCreate(url, UriKind.Absolute, out Uri? uri)) urls.Add(new Holder(id, "", 0, uri));
            }
            else if (!reader.Take(Encoding.UTF8.GetBytes(line))) return null;
        }
        if (reader.Result is not { } result) return null;
        ChunkList? chunks = result.Root.IsNone ? null : Recall(result.Root, result.Size);
        return result with { Holders = [.. result.Holders, .. urls], IsRemembered = true, Chunks = chunks };
    }

    /// <summary>Keeps the digests of chunks.</summary>
    public void Keep(FileDigest root, ChunkList chunks) => folder.Put(KeyOf(root), chunks.Bytes);

    /// <summary>The digests of chunks by their root; null when they were not kept.</summary>
    public ChunkList? Recall(FileDigest root, long size) =>
        folder.Get(KeyOf(root)) is { } digests ? ChunkList.TryCreate(size, root, digests) : null;

    /// <summary>An index answered in version 1, after it had not welcomed version 2.</summary>
    public void KeepVersion1(string index) => KeepVersion(index, Version1);

    /// <summary>An index welcomed version 2.</summary>
    public void KeepVersion2(string index) => KeepVersion(index, Version2);

    /// <summary>True when an index did so less than ten minutes ago, whichever process of this user it
    /// answered.</summary>
    public bool IsVersion1(string index) => IsVersion(index, Version1);

    /// <summary>True when it welcomed version 2 less than ten minutes ago, and has not answered in version 1
    /// since.</summary>
    public bool IsVersion2(string index) => IsVersion(index, Version2);

    // One entry for both, so that the newer word counts.
    private void KeepVersion(string index, string version) => folder.Put(
        VersionKeyOf(index), Text($"{Head}{time.GetUtcNow().ToUnixTimeSeconds()}\n{version}"));

    private bool IsVersion(string index, string version) => folder.Get(VersionKeyOf(index)) is { } entry
        && Encoding.UTF8.GetString(entry).Split('\n') is [var head, var kept] && kept == version && IsYoung(head);

    private static string VersionKeyOf(string index) => $"version {index}";

    private static string KeyOf(string index, FileName name) => $"list {index} {name.Value}";

    private static string KeyOf(FileDigest root) => $"chunks {root}";

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    // One from the future was kept before the clock was set back.
    private bool IsYoung(string head)
    {
        if (!head.StartsWith(Head, StringComparison.Ordinal)) return false;
        if (!long.TryParse(head.AsSpan(Head.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long at))
        {
            return false;
        }
        long age = time.GetUtcNow().ToUnixTimeSeconds() - at;
        return age >= 0 && age < (long)Lifetime.TotalSeconds;
    }
}
