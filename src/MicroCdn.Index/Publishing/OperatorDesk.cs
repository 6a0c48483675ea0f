using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Takes from operators how copies are to be kept: policies, and which servers are retired; and tells how far
/// that is.</summary>
internal sealed partial class OperatorDesk(
    Book book, Scribe scribe, Fleet fleet, Liars liars, HealProgress progress, ILogger logger)
{
    /// <summary>True for its verbs.</summary>
    public static bool Knows(ReadOnlySpan<byte> verb) => verb.SequenceEqual("STATUS"u8)
        || verb.SequenceEqual("POLICY"u8) || verb.SequenceEqual("POLICIES"u8)
        || verb.SequenceEqual("RETIRE"u8) || verb.SequenceEqual("RESUME"u8);

    public WireError? Handle(ReadOnlySpan<byte> verb, Words words, Answer answer)
    {
        if (scribe.IsElsewhere(verb, answer, out WireError? error)) return error;
        if (verb.SequenceEqual("POLICY"u8)) return HandlePolicy(words, answer);
        if (verb.SequenceEqual("RETIRE"u8)) return HandleRetire(words, true, answer);
        if (verb.SequenceEqual("RESUME"u8)) return HandleRetire(words, false, answer);
        if (!words.OnlyUnknownPairs()) return WireErrors.Malformed;
        if (verb.SequenceEqual("POLICIES"u8))
        {
            Tell(answer, book.Policies.All.Select(policy => $"POLICY {policy.Text}\n"));
            return null;
        }
        if (progress.Now is not { } state) return WireErrors.Unavailable;
        Tell(answer, StatusLines.Of(state, fleet, liars));
        return null;
    }

    private WireError? HandlePolicy(Words words, Answer answer)
    {
        if (PolicyWords.Read(words) is not { } wish) return WireErrors.Malformed;
        ReplicationPolicy? policy = ReplicationPolicy.Of(wish);
        scribe.Write(answer, policy is null ? "REMOVED" : "SET", (_, rows) =>
        {
            PolicyWords? there = book.Policies.All.FirstOrDefault(one => one.Prefix == wish.Prefix);
            if (!wish.Suits(there)) return WireErrors.Changed;
            if (policy is null && there is null) return WireErrors.UnknownPolicy;
            bool isFull = book.Policies.Count >= PolicyTable.Most;
            if (policy is not null && there is null && isFull) return WireErrors.LimitReached;
            rows.Add(new RecordRow((byte)BookKind.Policy, Encoding.UTF8.GetBytes(wish.Prefix), policy?.Write()));
            return null;
        }, () => LogPolicy(wish.Prefix, policy is null ? "none" : wish.Rule));
        return null;
    }

    private WireError? HandleRetire(Words words, bool isRetired, Answer answer)
    {
        if (!OneId.TryParse(words, out ServerId server)) return WireErrors.Malformed;
        scribe.Write(answer, isRetired ? "RETIRED" : "RESUMED", (_, rows) =>
        {
            // One that is gone for good may be taken out of the book.
            if (fleet.Find(server) is null && !book.Retired.Has(server)) return WireErrors.UnknownServer;
            if (book.Retired.Has(server) == isRetired) return null;
            rows.Add(RetiredServers.RowOf(server, isRetired));
            return null;
        }, () => LogRetired(server, isRetired ? "retired" : "in use again"));
        return null;
    }

    private static void Tell(Answer answer, IEnumerable<string> lines)
    {
        LongAnswer told = new(answer);
        answer.SendList(told);
        foreach (string line in lines) told.Say(Encoding.UTF8.GetBytes(line));
        told.Say("END\n"u8);
        told.End();
    }

    [LoggerMessage(2124, LogLevel.Information, "the policy of '{Prefix}' is now: {Policy}")]
    private partial void LogPolicy(string prefix, string policy);

    [LoggerMessage(2125, LogLevel.Information, "{Server} is {What}")]
    private partial void LogRetired(ServerId server, string what);
}
