namespace MicroCdn.Gateway.Api.Models;

/// <summary>A file in a list.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Size">Its length in bytes; null when the servers disagree.</param>
/// <param name="Sha256">The digest of its bytes, hexadecimal; null when not known.</param>
/// <param name="Revision">The number of the change that published it; null when it was not published.</param>
/// <param name="LastModified">When its bytes changed last.</param>
/// <param name="Copies">Servers that have it and may be asked.</param>
/// <param name="Wanted">Copies that there should be; null when it was not published.</param>
public sealed record FileView(string Name, long? Size, string? Sha256, long? Revision, DateTimeOffset? LastModified,
    int Copies, int? Wanted);

/// <summary>Why a client is sent where it is sent.</summary>
/// <param name="File">The file.</param>
/// <param name="From">The client's address.</param>
/// <param name="Zone">Where that is taken to be.</param>
/// <param name="Country">Its country.</param>
/// <param name="IsPulled">Whether it is no file, but a path that servers pull from an origin.</param>
/// <param name="Chosen">The server that gets it; null when none does.</param>
/// <param name="Url">The URL that it is sent to; null when it is passed on.</param>
/// <param name="Verdict">The same in a sentence.</param>
/// <param name="Candidates">The servers, in the order in which they are asked; the excluded last.</param>
/// <param name="NotOffered">Servers whose copies have other bytes.</param>
public sealed record Explanation(FileView File, string From, string? Zone, string? Country, bool IsPulled,
    string? Chosen, string? Url, string Verdict, IReadOnlyList<CandidateView> Candidates,
    IReadOnlyList<OtherBytes> NotOffered);

/// <summary>A server that might get a client.</summary>
/// <param name="Id">Its id.</param>
/// <param name="State">Its state.</param>
/// <param name="Why">Why it is in it; empty for one that is well.</param>
/// <param name="Load">Downloads under way there.</param>
/// <param name="Score">The smaller, the better.</param>
/// <param name="Zone">Its zone.</param>
/// <param name="Country">Its country.</param>
/// <param name="Weight">Its weight.</param>
/// <param name="Url">Where the file is there; null when it speaks no HTTP.</param>
/// <param name="Excluded">Why it is left out, in a sentence; null when it is not.</param>
public sealed record CandidateView(string Id, string State, string Why, int Load, long Score, string? Zone,
    string? Country, int Weight, string? Url, string? Excluded);

/// <summary>A copy that is not what most servers have.</summary>
/// <param name="Server">Who has it.</param>
/// <param name="Size">Its length.</param>
/// <param name="Sha256">Its digest.</param>
public sealed record OtherBytes(string Server, long? Size, string? Sha256);

/// <summary>A purge, and who has applied it.</summary>
/// <param name="Number">Its number; null until it has one.</param>
/// <param name="Id">Its name here, for <c>/purges/{id}</c>.</param>
/// <param name="Kind"><c>url</c>, <c>prefix</c>, <c>tag</c> or <c>all</c>.</param>
/// <param name="Value">What; empty for all.</param>
/// <param name="IsSoft">Whether copies are only to be asked about, and not dropped.</param>
/// <param name="Time">When it came.</param>
/// <param name="State"><c>running</c>, <c>done</c>, <c>late</c> (somebody did not answer) or <c>failed</c>.</param>
/// <param name="Detail">Why it failed; empty otherwise.</param>
/// <param name="Receipts">What each server did.</param>
public sealed record PurgeView(string Id, long? Number, string Kind, string Value, bool IsSoft, DateTimeOffset Time,
    string State, string Detail, IReadOnlyList<PurgeReceiptView> Receipts);

/// <summary>What one server did with a purge.</summary>
/// <param name="Server">Its id.</param>
/// <param name="State"><c>purged</c>, <c>away</c> (it serves nobody now, and applies it before it does) or
/// <c>late</c>.</param>
/// <param name="Milliseconds">How long it took; 0 unless it is purged.</param>
public sealed record PurgeReceiptView(string Server, string State, long Milliseconds);

/// <summary>What is to be purged.</summary>
/// <param name="Kind"><c>url</c>, <c>prefix</c>, <c>tag</c> or <c>all</c>.</param>
/// <param name="Value">What; left out for all.</param>
/// <param name="Soft">Whether copies are only to be asked about, and not dropped.</param>
public sealed record PurgeWish(string Kind, string? Value = null, bool Soft = false);

/// <summary>A release.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State"><c>staged</c>, <c>active</c> or <c>rolled-back</c>.</param>
/// <param name="Files">How many files it has.</param>
/// <param name="Bytes">Their length together.</param>
/// <param name="Time">When it was staged, or activated; null when unknown.</param>
/// <param name="IsUndoable">Whether it can be rolled back.</param>
/// <param name="Work">What was last begun with it here; null when nothing was.</param>
public sealed record ReleaseView(string Name, string State, long Files, long Bytes, DateTimeOffset? Time,
    bool IsUndoable, ReleaseWork? Work);

/// <summary>A file that was staged.</summary>
/// <param name="Release">The release that it is staged in.</param>
/// <param name="Name">The name that it has once that is activated.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="Sha256">The digest of its bytes, hexadecimal.</param>
/// <param name="Revision">The number of the change.</param>
/// <param name="Servers">The servers that have copies.</param>
public sealed record StagedFile(string Release, string Name, long Size, string Sha256, long Revision,
    IReadOnlyList<string> Servers);

/// <summary>An activation or a rollback.</summary>
/// <param name="Kind"><c>activate</c> or <c>rollback</c>.</param>
/// <param name="State"><c>running</c>, <c>done</c> or <c>failed</c>.</param>
/// <param name="There">Copies that there are; null until they were counted.</param>
/// <param name="Wanted">Copies that there are to be.</param>
/// <param name="Detail">What came of it, in a sentence.</param>
/// <param name="Shown">Servers that show it.</param>
/// <param name="Late">Servers that did not say so in time.</param>
public sealed record ReleaseWork(string Kind, string State, long? There, long? Wanted, string Detail,
    IReadOnlyList<string> Shown, IReadOnlyList<string> Late);

/// <summary>How many copies there are to be of what lies below a prefix, and where.</summary>
/// <param name="Prefix">The prefix; <c>/</c> for every name.</param>
/// <param name="Replicas">How many copies.</param>
/// <param name="ZoneSpread">Whether in as many zones as there are.</param>
/// <param name="Servers">The servers that may have one; empty for all.</param>
/// <param name="Etag">Its entity tag, as it stands in <c>ETag</c> and is sent back in <c>If-Match</c>.</param>
public sealed record PolicyView(string Prefix, int Replicas, bool ZoneSpread, IReadOnlyList<string> Servers,
    string Etag);

/// <summary>A token; its secret is shown once, when it is made.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Scopes">What it allows.</param>
/// <param name="Prefix">What names must begin with; empty for all.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Note">A note of who made it.</param>
/// <param name="Token">The token itself, in the answer to who made it; else null.</param>
public sealed record TokenView(string Id, IReadOnlyList<string> Scopes, string Prefix, DateTimeOffset Created,
    string Note, string? Token = null);

/// <summary>A token that is wanted.</summary>
/// <param name="Scopes"><c>read</c>, <c>publish</c>, <c>purge</c>, <c>admin</c>.</param>
/// <param name="Prefix">What names must begin with; left out for all.</param>
/// <param name="Note">A note.</param>
public sealed record TokenWish(IReadOnlyList<string> Scopes, string? Prefix = null, string? Note = null);

/// <summary>A browser's session; all of it is null or empty when there is none.</summary>
/// <param name="Token">The id of the token that it began with; null when nobody is signed in.</param>
/// <param name="Scopes">What it allows.</param>
/// <param name="Csrf">What is to be sent in <c>X-CSRF-Token</c> with every change.</param>
/// <param name="Ends">When it ends.</param>
public sealed record SessionView(string? Token, IReadOnlyList<string> Scopes, string? Csrf, DateTimeOffset? Ends)
{
    /// <summary>Nobody is signed in.</summary>
    public static readonly SessionView Nobody = new(null, [], null, null);
}

/// <summary>Who wants a session.</summary>
/// <param name="Token">The token.</param>
public sealed record SessionWish(string Token);

/// <summary>A policy that is wanted for a prefix.</summary>
/// <param name="Replicas">How many copies, 1 to 64.</param>
/// <param name="ZoneSpread">Whether in as many zones as there are.</param>
/// <param name="Servers">The servers that may have one; left out for all.</param>
public sealed record PolicyWish(int Replicas, bool ZoneSpread = false, IReadOnlyList<string>? Servers = null);
