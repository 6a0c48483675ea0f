using MicroCdn.Index;
using MicroCdn.Protocol;

namespace MicroCdn.Gateway;

/// <summary>Which of a file's servers, in their order, gets a client that came over HTTP.</summary>
internal static class Choice
{
    /// <summary>The number of the first that speaks HTTP; when none does, or only one that may be dead while another is
    /// well, that of the first at all, whose bytes are passed on. -1 when there is none.</summary>
    public static int Of(ReadOnlySpan<Candidate> servers, bool mayRelay)
    {
        int first = -1;
        for (int at = 0; at < servers.Length; at++)
        {
            if (servers[at].Exclusion != Exclusion.None) continue;
            bool isPassedOn = mayRelay && first >= 0 && IsWell(servers[first]) && !IsWell(servers[at]);
            if (Place.IsWeb(servers[at].Server.Contact!) && !isPassedOn) return at;
            if (first < 0) first = at;
        }
        return mayRelay ? first : -1;
    }

    private static bool IsWell(in Candidate candidate) => candidate.Server.State < ServerState.Suspect;
}
