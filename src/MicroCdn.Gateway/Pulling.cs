using MicroCdn.Http;
using MicroCdn.Index;
using MicroCdn.Network;

namespace MicroCdn.Gateway;

/// <summary>Sends a client to the content server that a path of an origin belongs to, or says why to that
/// one.</summary>
/// <remarks>Path and query are the origin's business and leave as they came, percent-encoding included. Only a query of
/// <c>why</c>, alone or with <c>not=ID</c>, is for us; everything else may mean something there.</remarks>
internal sealed class Pulling(FileDirectory directory, Askers askers, bool isSecure)
{
    /// <summary>Answers; false when nobody pulls such a path.</summary>
    public bool TryAnswer(in Request request, Response response, IPeer peer)
    {
        if (!directory.TryFindPulled(request.Path, out FileEntry entry)) return false;
        Wish wish = Wish.OfPulled(request);
        Span<Candidate> servers = Draft.Clean().Candidates(entry.Count);
        servers = servers[..directory.RankPulled(
            entry, request.Path, askers.Of(request, peer, wish.Not), servers)];
        int chosen = servers[0].Exclusion == Exclusion.None ? 0 : -1;
        Place place = new(isSecure, peer.Local);
        if (wish.View != View.File)
        {
            GatewayHandler.Show(response, new Finding(request.Path, entry, servers, chosen, place), wish.View);
        }
        else if (chosen < 0)
        {
            Sentences.Explain(response, HttpStatus.ServiceUnavailable, Sentences.NobodyCan(servers));
        }
        else
        {
            if (request.Method == Method.Get) servers[0].Server.CountAnswer();
            Redirect.WritePulled(request, response, servers[0].Server.Contact!, place);
        }
        return true;
    }
}
