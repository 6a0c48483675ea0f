using System.Globalization;
using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Client;

/// <summary>Has files published, and taken back.</summary>
/// <remarks>A put is hashed first. The index says which servers it belongs on; the bytes go to the first of them that
/// takes them, once, and from where an earlier try broke off. The index has the others fetch them, and answers when
/// as many copies as asked are durable and everybody is sent to them.</remarks>
/// <param name="options">Where the indexes are.</param>
/// <param name="self">Who publishes, where keys are required.</param>
/// <param name="dialer">How they are reached.</param>
/// <param name="time">The clock.</param>
public sealed class Publisher(ClientOptions options, Identity? self, IDialer dialer, TimeProvider time)
{
    // A release of many files is brought to its servers first, where it is not there.
    private static readonly TimeSpan ReleasePatience = TimeSpan.FromMinutes(10);

    /// <summary>Publishes a file.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="bytes">Its bytes; read from the start, twice, so it must be one that can seek.</param>
    /// <param name="put">How.</param>
    /// <param name="progress">Told what was brought.</param>
    /// <param name="cancellationToken">Gives up. Nothing of it is visible then.</param>
    /// <exception cref="CdnException">It could not be published; nothing of it is visible, unless the message says that
    /// it may be.</exception>
    /// <exception cref="IOException">The bytes cannot be read.</exception>
    public async Task<Publication> PutAsync(FileName name, Stream bytes, PutOptions put,
        IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        await using PublishTalk talk = Talk();
        Upload upload = await Upload.HashAsync(bytes, progress, cancellationToken).ConfigureAwait(false);
        return await PutAsync(talk, name, upload, put, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Has a name published no more.</summary>
    /// <param name="name">The name.</param>
    /// <param name="match">Only when this revision is published under it; 0 whatever is.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <returns>The revision of its removal.</returns>
    /// <exception cref="CdnException">It could not be removed.</exception>
    public async Task<long> RemoveAsync(FileName name, long match, CancellationToken cancellationToken)
    {
        long revision = 0;
        await AskAsync($"REMOVE {Encoded(name)}{(match > 0 ? $" match={match}" : "")}", PublishTalk.AnswerTime,
            line => revision = NumberIn(line, "REMOVED "), cancellationToken).ConfigureAwait(false);
        return revision;
    }

    /// <summary>Gives what is published under a name another name. No byte moves.</summary>
    /// <param name="old">The name until now.</param>
    /// <param name="name">The name from now on.</param>
    /// <param name="isForced">Replace what is published under the new name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The revision.</returns>
    /// <exception cref="CdnException">It was not moved.</exception>
    public async Task<long> MoveAsync(
        FileName old, FileName name, bool isForced, CancellationToken cancellationToken)
    {
        long revision = 0;
        await AskAsync($"MOVE {Encoded(old)} {Encoded(name)}{(isForced ? " force=1" : "")}", PublishTalk.AnswerTime,
            line => revision = NumberIn(line, "MOVED "), cancellationToken).ConfigureAwait(false);
        return revision;
    }

    /// <summary>Says one line that an operator may say, and hears the lines of its answer, without END.</summary>
    /// <exception cref="CdnException">It was refused, or the index cannot be reached.</exception>
    public async Task<IReadOnlyList<string>> OrderAsync(string line, CancellationToken cancellationToken)
    {
        List<string> lines = [];
        await AskAsync(line, PublishTalk.AnswerTime, lines.Add, cancellationToken).ConfigureAwait(false);
        return lines;
    }

    /// <summary>Every policy, the longest prefix first.</summary>
    /// <exception cref="CdnException">The index cannot be asked.</exception>
    public async Task<IReadOnlyList<PolicyWords>> PoliciesAsync(CancellationToken cancellationToken)
    {
        List<PolicyWords> policies = [];
        await AskAsync("POLICIES", PublishTalk.AnswerTime, line =>
        {
            Words words = new(Encoding.UTF8.GetBytes(line));
            if (!words.Next(out ReadOnlySpan<byte> verb) || !verb.SequenceEqual("POLICY"u8)) return;
            // Left out, it would look as if there were none.
            policies.Add(PolicyWords.Read(words) is { Replicas: > 0 } policy ? policy
                : throw new CdnException(CdnFailure.Refused,
                    $"the index told of a policy that cannot be read: '{line[..Math.Min(line.Length, 80)]}'"));
        }, cancellationToken).ConfigureAwait(false);
        return policies;
    }

    /// <summary>Sets the policy of a prefix; one without copies takes it out.</summary>
    /// <exception cref="CdnException">It was refused, or another one is there than the one that it was to
    /// replace.</exception>
    public Task SetPolicyAsync(PolicyWords policy, CancellationToken cancellationToken) =>
        OrderAsync($"POLICY {policy.Text}", cancellationToken);

    /// <summary>What is published under a name, and where.</summary>
    /// <exception cref="CdnException">Nothing is, or the index cannot be asked.</exception>
    public async Task<PublishedFile> StatAsync(FileName name, CancellationToken cancellationToken)
    {
        PublishedFile? file = null;
        await AskAsync($"STAT {Encoded(name)}", PublishTalk.AnswerTime, line =>
        {
            file = PublishedFile.Read(line) ?? file?.With(line) ?? file;
        }, cancellationToken).ConfigureAwait(false);
        return file ?? throw new CdnException(CdnFailure.Unreachable, "the index did not tell what is published.");
    }

    /// <summary>What is published below a prefix, or staged in a release; in no order.</summary>
    /// <exception cref="CdnException">The index cannot be asked.</exception>
    public async Task<List<PublishedFile>> ListAsync(
        string prefix, string? release, CancellationToken cancellationToken)
    {
        await using PublishTalk talk = Talk();
        return await ListAsync(talk, prefix, release, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes all that is staged in a release visible, or nothing of it.</summary>
    /// <param name="release">The release.</param>
    /// <param name="progress">Told how many files have their copies, of how many.</param>
    /// <param name="cancellationToken">Gives up. What still waits for copies ends with it; else the index goes
    /// on.</param>
    /// <exception cref="CdnException">Nothing of it is visible, unless the message says that it may be.</exception>
    public Task<ReleaseReceipt> ActivateAsync(
        string release, Action<long, long>? progress, CancellationToken cancellationToken) =>
        TurnAsync($"ACTIVATE {release}", release, progress, cancellationToken);

    /// <summary>Makes current again what was before the newest activation.</summary>
    /// <param name="release">The release, which must be the newest active one; null for whichever is.</param>
    /// <param name="progress">Told how many files have their copies, of how many.</param>
    /// <param name="cancellationToken">Gives up. What still waits for copies ends with it; else the index goes
    /// on.</param>
    /// <exception cref="CdnException">Nothing changed, unless the message says that it may have.</exception>
    public Task<ReleaseReceipt> RollBackAsync(
        string? release, Action<long, long>? progress, CancellationToken cancellationToken) =>
        TurnAsync(release is null ? "ROLLBACK" : $"ROLLBACK {release}", release, progress, cancellationToken);

    /// <summary>The releases, the oldest first.</summary>
    /// <exception cref="CdnException">The index cannot be asked.</exception>
    public async Task<List<ReleaseRow>> ReleasesAsync(CancellationToken cancellationToken)
    {
        List<ReleaseRow> rows = [];
        await AskAsync("RELEASES", PublishTalk.AnswerTime, line =>
        {
            if (ReleaseRow.Read(line) is { } row) rows.Add(row);
        }, cancellationToken).ConfigureAwait(false);
        return rows;
    }

    /// <summary>Throws away what is staged in a release.</summary>
    /// <returns>How many files were staged.</returns>
    /// <exception cref="CdnException">Nothing was.</exception>
    public async Task<long> UnstageAsync(string release, CancellationToken cancellationToken)
    {
        long count = 0;
        await AskAsync($"UNSTAGE {release}", PublishTalk.AnswerTime, line => count = NumberIn(line, "UNSTAGED "),
            cancellationToken).ConfigureAwait(false);
        return count;
    }

    internal PublishTalk Talk() => new(options, self, dialer, time);

    internal static async Task<Publication> PutAsync(PublishTalk talk, FileName name, Upload upload, PutOptions put,
        CancellationToken cancellationToken)
    {
        (long size, FileDigest digest) = (upload.Size, upload.Digest);
        string words = Words(name, upload, put);
        List<Route> places = [];
        await talk.AskIndexAsync($"PLACE {words}", PublishTalk.AnswerTime, line =>
        {
            if (Route.TryParse(Encoding.UTF8.GetBytes(line), out Route? place)) places.Add(place!);
        }, cancellationToken).ConfigureAwait(false);
        string first = await talk.BringAsync(upload, places, cancellationToken).ConfigureAwait(false);
        // Other bytes are refused by their digest; what was added behind them is nobody's yet.
        if (upload.Bytes.Length != size)
        {
            throw new CdnException(CdnFailure.Refused, "it changed while it was read: put it when it is whole.");
        }
        List<string> servers = [];
        long revision = 0;
        await talk.AskIndexAsync($"PUBLISH {words} at={first}", PublishTalk.PatienceFor(size), line =>
        {
            if (line.StartsWith("COPY ", StringComparison.Ordinal)) servers.Add(line[5..]);
            else revision = NumberIn(line, put.Release is null ? "PUBLISHED " : "STAGED ");
        }, cancellationToken).ConfigureAwait(false);
        return new Publication(revision, servers, size, digest);
    }

    internal static async Task<long> RemoveAsync(
        PublishTalk talk, PublishedFile file, string? release, CancellationToken cancellationToken)
    {
        long revision = 0;
        string how = release is null ? $" match={file.Revision}" : $" release={release}";
        await talk.AskIndexAsync($"REMOVE {Encoded(file.Name)}{how}", PublishTalk.AnswerTime,
            line => revision = NumberIn(line, release is null ? "REMOVED " : "STAGED "), cancellationToken)
            .ConfigureAwait(false);
        return revision;
    }

    internal static async Task<List<PublishedFile>> ListAsync(
        PublishTalk talk, string prefix, string? release, CancellationToken cancellationToken)
    {
        List<PublishedFile> files = [];
        string below = prefix.Length == 0 ? "" : $" {Encoded(prefix).Replace("=", "%3D", StringComparison.Ordinal)}";
        await talk.AskIndexAsync($"PUBLISHED{below}{(release is null ? "" : $" release={release}")}",
            PublishTalk.PatienceFor(0), line =>
            {
                if (PublishedFile.Read(line) is { } file) files.Add(file);
            }, cancellationToken).ConfigureAwait(false);
        return files;
    }

    private async Task AskAsync(
        string question, TimeSpan patience, Action<string> take, CancellationToken cancellationToken)
    {
        await using PublishTalk talk = Talk();
        await talk.AskIndexAsync(question, patience, take, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ReleaseReceipt> TurnAsync(
        string question, string? release, Action<long, long>? progress, CancellationToken cancellationToken)
    {
        ReleaseReceipt receipt = new(release ?? "", 0, 0, 0, [], []);
        await AskAsync(question, ReleasePatience, line => receipt = receipt.With(line, progress), cancellationToken)
            .ConfigureAwait(false);
        return receipt;
    }

    private static long NumberIn(string line, string before) =>
        line.StartsWith(before, StringComparison.Ordinal) && long.TryParse(
            line.AsSpan(before.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;

    private static string Words(FileName name, Upload upload, PutOptions put) =>
        $"{Encoded(name)} {upload.Size} sha256={upload.Digest}"
        + $"{(Chunks.FollowFromDigest(upload.Size) ? "" : $" chunks={upload.Root}")}"
        + $"{(put.UnixSeconds >= 0 ? $" time={put.UnixSeconds}" : "")}"
        + $"{(put.Replicas > 0 ? $" replicas={put.Replicas}" : "")}{(put.IsSpread ? " spread=1" : "")}"
        + $"{(put.IsNew ? " new=1" : "")}{(put.Match > 0 ? $" match={put.Match}" : "")}"
        + $"{(put.Release is { } release ? $" release={release}" : "")}";

    private static string Encoded(FileName name) => Encoded(name.Value);

    private static string Encoded(string text) => PercentText.WordOf(text);
}

/// <summary>How a file is published.</summary>
public sealed record PutOptions
{
    /// <summary>How many copies there are to be, 1 to <see cref="Limits.Replicas"/>; 0 when the policy of the name's
    /// prefix says.</summary>
    public int Replicas { get; init; }

    /// <summary>Have the copies in as many zones as there are.</summary>
    public bool IsSpread { get; init; }

    /// <summary>The release that it is staged in, one word of at most 64 bytes; null to have it visible now.</summary>
    public string? Release { get; init; }

    /// <summary>Refuse when something is published under the name.</summary>
    public bool IsNew { get; init; }

    /// <summary>Refuse unless this revision is published under the name; 0 for no such condition.</summary>
    public long Match { get; init; }

    /// <summary>Last change of the bytes in seconds since 1970; -1 for now.</summary>
    public long UnixSeconds { get; init; } = -1;
}

/// <summary>What was published.</summary>
/// <param name="Revision">The number of the change; later ones are greater.</param>
/// <param name="Servers">The ids of the servers that have copies.</param>
/// <param name="Size">How many bytes.</param>
/// <param name="Digest">Their SHA-256.</param>
public sealed record Publication(long Revision, IReadOnlyList<string> Servers, long Size, FileDigest Digest);
