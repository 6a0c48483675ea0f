using System.Net;
using System.Text;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Protocol;

namespace MicroCdn.Edge.PullThrough;

/// <summary>Answers the method PURGE on this server alone: <c>curl -X PURGE http://localhost:7003/path</c>.</summary>
/// <remarks>It comes from loopback and trusted networks. Whoever stands behind a proxy on this machine seems to come
/// from loopback too: so what a proxy says to have passed on is refused, as is everything from a proxy that is
/// named.</remarks>
internal sealed class PurgeMethod(EdgeOptions options, PurgeTarget target)
{
    private readonly TrustedNetworks _trust = new(options.Trust);

    /// <summary>True for this method.</summary>
    public static bool Is(in Request request) => request.MethodName.SequenceEqual("PURGE"u8);

    /// <summary>Purges what the target and the field MicroCdn-Purge name, and answers when that is on disk.</summary>
    public void Handle(in Request request, Response response, IPeer peer)
    {
        if (!IsTrusted(request, peer.Remote))
        {
            response.Explain(HttpStatus.Forbidden,
                "PURGE is taken from this machine and --trust networks, and from no proxy.");
            return;
        }
        if (Read(request, out string wrong) is not { } purge)
        {
            response.Explain(HttpStatus.BadRequest, wrong);
            return;
        }
        response.Later();
        // The disk is waited for off the loop's thread.
        _ = Task.Run(() => Apply(purge, response));
    }

    private void Apply(Purge purge, Response response)
    {
        string end = target.Apply([purge]) ? "" : ", until the next start only: the disk refused";
        response.Give(later => later.Explain(HttpStatus.Ok,
            $"Purged{(purge.IsSoft ? ", softly" : "")} on this server: {purge}{end}."));
    }

    private bool IsTrusted(in Request request, IPAddress peer)
    {
        RequestLines fields = request.Lines;
        return _trust.Contains(peer) && !options.Proxies.Any(network => network.Contains(peer))
            && !fields.Has("Via"u8) && !fields.Has("Forwarded"u8) && !fields.Has("X-Forwarded-For"u8)
            && !fields.Has("X-Real-IP"u8);
    }

    private static Purge? Read(in Request request, out string wrong)
    {
        string authority = Encoding.Latin1.GetString(request.Authority);
        string path = Encoding.Latin1.GetString(request.Target);
        string value = authority.Length == 0 ? path : $"http://{authority}{path}";
        (PurgeKind kind, bool isSoft) = (PurgeKind.Url, false);
        wrong = "";
        string said = Encoding.UTF8.GetString(request.Lines.Joined("MicroCdn-Purge"u8));
        foreach (string word in said.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (word == "soft") isSoft = true;
            else if (word == "prefix") kind = PurgeKind.Prefix;
            else if (word == "all") (kind, value) = (PurgeKind.All, "");
            else if (word.StartsWith("tag=", StringComparison.Ordinal)) (kind, value) = (PurgeKind.Tag, word[4..]);
            else wrong = "MicroCdn-Purge takes soft, prefix, all and tag=TAG, with commas between.";
        }
        if (wrong.Length > 0) return null;
        Purge? purge = Purge.Of(kind, value, isSoft, out string why);
        if (purge is null) wrong = $"This cannot be purged: {why}.";
        return purge;
    }
}
