using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>What is published under a name, as the index tells it.</summary>
/// <param name="Name">The name.</param>
/// <param name="Size">How many bytes.</param>
/// <param name="Revision">The number of the change that published it.</param>
/// <param name="Digest">SHA-256 of the bytes; none for a name whose removal is staged.</param>
public sealed record PublishedFile(FileName Name, long Size, long Revision, FileDigest Digest)
{
    /// <summary>Last change of the bytes in seconds since 1970; -1 when unknown.</summary>
    public long UnixSeconds { get; private init; } = -1;

    /// <summary>How many copies there are to be; 0 when that was not asked.</summary>
    public int Copies { get; private init; }

    /// <summary>Whether they are to be in as many zones as there are.</summary>
    public bool IsSpread { get; private init; }

    /// <summary>The servers that have it, with their states; none when that was not asked.</summary>
    public IReadOnlyList<(string Id, string Host, int Port, string State)> Servers { get; private init; } = [];

    /// <summary>Reads a NAME or REMOVED line; null for another one.</summary>
    internal static PublishedFile? Read(string line)
    {
        Words words = new(Encoding.UTF8.GetBytes(line));
        if (!words.Next(out var verb) || !words.Next(out var encoded)) return null;
        bool isRemoved = verb.SequenceEqual("REMOVED"u8);
        if (!isRemoved && !verb.SequenceEqual("NAME"u8)) return null;
        byte[] decoded = new byte[encoded.Length];
        int length = PercentText.Decode(encoded, decoded);
        if (!FileName.TryCreate(decoded.AsSpan(0, length), out FileName name)) return null;
        long size = 0;
        if ((!isRemoved && !words.NextNumber(out size)) || !words.NextNumber(out long revision)) return null;
        PublishedFile file = new(name, size, revision, FileDigest.None);
        while (words.NextPair(out var key, out var value))
        {
            bool isNumber = Words.IsNumber(value, out long number);
            if (key.SequenceEqual("sha256"u8) && FileDigest.TryParse(value, out FileDigest digest))
            {
                file = file with { Digest = digest };
            }
            else if (key.SequenceEqual("time"u8) && isNumber && number <= Limits.UnixSeconds)
            {
                file = file with { UnixSeconds = number };
            }
            else if (key.SequenceEqual("copies"u8) && isNumber && number <= int.MaxValue)
            {
                file = file with { Copies = (int)number };
            }
            else if (key.SequenceEqual("spread"u8)) file = file with { IsSpread = number == 1 };
        }
        return file;
    }

    /// <summary>With the server of a SERVER line; null for another one.</summary>
    internal PublishedFile? With(string line)
    {
        Words words = new(Encoding.UTF8.GetBytes(line));
        if (!words.Next(out var verb) || !verb.SequenceEqual("SERVER"u8)) return null;
        bool valid = words.Next(out var host) & words.NextPort(out int port) & words.Next(out var id)
            & words.NextNumber(out _);
        string state = words.NextPair(out var key, out var value) && key.SequenceEqual("state"u8)
            ? Encoding.UTF8.GetString(value) : "unknown";
        return !valid ? null : this with
        {
            Servers = [.. Servers, (Encoding.UTF8.GetString(id), Encoding.UTF8.GetString(host), port, state)],
        };
    }
}

/// <summary>What became of a release.</summary>
/// <param name="Release">Its name.</param>
/// <param name="Revision">The number of the change.</param>
/// <param name="Files">How many names changed.</param>
/// <param name="Kept">Of a rollback, how many names stayed as they are: they were published anew since.</param>
/// <param name="Shown">The servers that show it.</param>
/// <param name="Late">The servers that did not say so yet; they do when they are back.</param>
public sealed record ReleaseReceipt(
    string Release, long Revision, long Files, long Kept, IReadOnlyList<string> Shown, IReadOnlyList<string> Late)
{
    internal ReleaseReceipt With(string line, Action<long, long>? progress)
    {
        Words words = new(Encoding.UTF8.GetBytes(line));
        words.Next(out var verb);
        if (verb.SequenceEqual("SHOWN"u8)) return this with { Shown = [.. Shown, Encoding.UTF8.GetString(words.Rest)] };
        if (verb.SequenceEqual("LATE"u8)) return this with { Late = [.. Late, Encoding.UTF8.GetString(words.Rest)] };
        if (!words.NextNumber(out long first) || !words.NextNumber(out long second)) return this;
        if (verb.SequenceEqual("COPIES"u8)) progress?.Invoke(first, second);
        if (!verb.SequenceEqual("ACTIVATED"u8) && !verb.SequenceEqual("ROLLED_BACK"u8)) return this;
        ReleaseReceipt read = this with { Revision = first, Files = second };
        while (words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("release"u8)) read = read with { Release = Encoding.UTF8.GetString(value) };
            if (key.SequenceEqual("kept"u8) && Words.IsNumber(value, out long kept)) read = read with { Kept = kept };
        }
        return read;
    }
}

/// <summary>A release, as the index lists it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State"><c>staged</c>, <c>active</c> or <c>rolled-back</c>.</param>
/// <param name="Files">How many files.</param>
/// <param name="Bytes">How many bytes these have.</param>
/// <param name="UnixSeconds">Since when, in seconds since 1970; -1 when unknown.</param>
/// <param name="IsUndoable">Whether it can be rolled back.</param>
public sealed record ReleaseRow(
    string Name, string State, long Files, long Bytes, long UnixSeconds, bool IsUndoable)
{
    internal static ReleaseRow? Read(string line)
    {
        Words words = new(Encoding.UTF8.GetBytes(line));
        if (!words.Next(out var verb) || !verb.SequenceEqual("RELEASE"u8)) return null;
        bool valid = words.Next(out var name) & words.Next(out var state) & words.NextNumber(out long files)
            & words.NextNumber(out long bytes) & words.NextNumber(out _);
        (long seconds, bool isUndoable) = (-1, false);
        while (words.NextPair(out var key, out var value))
        {
            if (key.SequenceEqual("time"u8) && Words.IsNumber(value, out long time) && time <= Limits.UnixSeconds)
            {
                seconds = time;
            }
            isUndoable |= key.SequenceEqual("undo"u8);
        }
        return !valid ? null : new ReleaseRow(
            Encoding.UTF8.GetString(name), Encoding.UTF8.GetString(state), files, bytes, seconds, isUndoable);
    }
}
