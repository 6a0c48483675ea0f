using System.CommandLine;
using MicroCdn.Content;
using MicroCdn.Edge;
using MicroCdn.Edge.PullThrough;
using MicroCdn.Keys;
using MicroCdn.Logs;
using MicroCdn.Network;
using MicroCdn.Settings;
using MicroCdn.Telemetry;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn content</c>: runs a content server.</summary>
internal static class ContentVerb
{
    public static Command Create()
    {
        ContentFlags content = new();
        WebFlags web = new();
        PullFlags pull = new();
        Command verb = new("content", "Run a content server: it serves the files of a folder and tells the index of "
            + "them, and is a cache in front of web servers (--origin).");
        content.AddTo(verb);
        PlaceFlags place = PlaceFlags.AddedTo(verb);
        KeyFlags keys = KeyFlags.AddedTo(verb);
        web.AddTo(verb);
        EdgeFlags edge = EdgeFlags.AddedTo(verb);
        AccessFlags access = AccessFlags.AddedTo(verb);
        AccessLogFlags log = AccessLogFlags.AddedTo(verb);
        TelemetryFlags telemetry = TelemetryFlags.AddedTo(verb);
        LogFlags style = LogFlags.AddedTo(verb);
        pull.AddTo(verb);
        content.Demand(verb, pull);
        pull.DemandPort(verb, web);
        WatchFlags watch = new();
        watch.AddTo(verb);
        verb.Options.Add(ConfigFlag.Create());
        verb.SetAction((parsed, _) =>
        {
            WebPorts ports = web.Read(parsed);
            string state = content.ReadState(parsed, ports.Http ?? ports.Https);
            PullOptions pulled = pull.Read(parsed, StateFolder.CopiesOf(state), content.ReadId(parsed));
            ContentOptions? member = content.IsMember(parsed)
                ? place.Read(parsed, content.Read(parsed, StateFolder.NoFilesOf(state))) with
                {
                    HttpPort = ports.Http,
                    HttpsPort = ports.Https,
                    State = state,
                    TakesOrders = true,
                    TellsFigures = true,
                    Pulls = pulled.Prefixes,
                } : null;
            if (StateFolder.Make(state, member is null ? [] : [member.Files]) is { } refusal)
            {
                Messages.Say(refusal);
                return Task.FromResult(ExitCode.Usage);
            }
            EdgeOptions served = edge.Read(parsed) with
            {
                Bind = content.ReadBind(parsed),
                Trust = content.ReadTrust(parsed),
                HttpPort = ports.Http,
                HttpsPort = ports.Https,
                Variants = StateFolder.VariantsOf(state),
                Pull = pulled with { WaitsForPurges = member is not null },
            };
            return RoleHost.RunAsync(parts =>
                    watch.Beside(parsed, Build(member, served with { Gate = access.Open(parsed, parts) }, edge, parts),
                        parts),
                ports, keys: keys.Read(parsed), log: log.Read(parsed), telemetry: telemetry.Read(parsed),
                style: style.Read(parsed), settings: parsed);
        });
        return verb;
    }

    // One that is no member of a network has no files of its own, and tells nobody.
    private static IReadOnlyList<IRole> Build(
        ContentOptions? member, EdgeOptions served, EdgeFlags flags, RoleParts parts)
    {
        served = served with
        {
            Listener = parts.RequestsOf(served.Pull.Id?.ToString()), Tracer = parts.Sender?.Tracer,
        };
        if (member is null)
        {
            EdgeRole alone = new(served, ServedFiles.None, parts.Time, parts.Loggers);
            flags.ReadAgain(alone, served, parts);
            return [alone];
        }
        ContentOptions keyed = member with
        {
            Credentials = parts.Credentials, CertificateEnds = parts.CertificateEnds,
        };
        ContentRole role = new(keyed, parts.Dialer, parts.Datagrams, parts.Time, parts.Loggers);
        EdgeRole face = new(served, role.Files, parts.Time, parts.Loggers);
        flags.ReadAgain(face, served, parts);
        (role.Copies, role.Traffic) = (face.Purges, face.Traffic);
        return [role, face];
    }
}
