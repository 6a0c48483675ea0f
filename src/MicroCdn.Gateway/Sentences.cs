using System.Text;
using MicroCdn.Http;
using MicroCdn.Index;

namespace MicroCdn.Gateway;

/// <summary>What the gateway says in words, and the short answers that consist of a sentence.</summary>
internal static class Sentences
{
    // A monitor needs some seconds to notice that a server is back.
    private const int RetrySeconds = 5;
    private const int MostReasons = 5;

    /// <summary>Why a server does not get the client, to follow its id.</summary>
    public static string Of(in Candidate candidate) => candidate.Exclusion switch
    {
        Exclusion.None => "may get clients",
        // Of one that has come back since, nothing speaks against it any more.
        Exclusion.Dead => candidate.Server.Why.Length > 0 ? candidate.Server.Why : "it was dead a moment ago",
        Exclusion.Draining => "it leaves in order",
        Exclusion.NotRegistered => "its list of files is not complete",
        Exclusion.AddressFamily => "you came over IPv4, and it has no IPv4 address",
        Exclusion.NotWanted => "you asked for another one",
        var other => other.ToString(),
    };

    /// <summary>Answers with one sentence, which nobody is to keep.</summary>
    public static void Explain(Response response, HttpStatus status, string sentence)
    {
        response.Begin(status);
        if (status == HttpStatus.ServiceUnavailable) response.Field("Retry-After"u8, RetrySeconds);
        response.Fields("Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"u8);
        response.Fields("Cache-Control: no-store\r\n"u8);
        response.End(Encoding.UTF8.GetBytes(sentence + "\n"));
    }

    /// <summary>Says why none of a file's servers can have the client.</summary>
    public static string NobodyCan(ReadOnlySpan<Candidate> candidates)
    {
        StringBuilder text = new("No server can deliver this file now:");
        foreach (Candidate candidate in candidates[..Math.Min(candidates.Length, MostReasons)])
        {
            string reason = candidate.Exclusion == Exclusion.None
                ? "it speaks no HTTP, and relaying is switched off here" : Of(candidate);
            text.Append(' ').Append(candidate.Server.Id).Append(": ").Append(reason).Append(';');
        }
        if (candidates.Length > MostReasons) text.Append($" and {candidates.Length - MostReasons} more;");
        text[^1] = '.';
        return text.ToString();
    }
}
