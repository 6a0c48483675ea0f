using System.CommandLine;
using MicroCdn.Content;
using MicroCdn.Edge;
using MicroCdn.Keys;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn content</c>: runs a content server.</summary>
internal static class ContentVerb
{
    public static Command Create()
    {
        ContentFlags content = new();
        WebFlags web = new();
        EdgeFlags edge = new();
        Command verb = new("content",
            "Run a content server: it serves the files of a folder and tells the index of them.");
        content.AddTo(verb);
        PlaceFlags place = new();
        place.AddTo(verb);
        KeyFlags keys = new();
        keys.AddTo(verb);
        web.AddTo(verb);
        edge.AddTo(verb);
        verb.Options.Add(ConfigFlag.Create());
        verb.SetAction((parsed, _) =>
        {
            WebPorts ports = web.Read(parsed);
            string state = content.ReadState(parsed);
            ContentOptions options = place.Read(parsed, content.Read(parsed)) with
            {
                HttpPort = ports.Http,
                HttpsPort = ports.Https,
                State = state,
            };
            if (StateFolder.Make(state, options.Files) is { } refusal)
            {
                Messages.Say(refusal);
                return Task.FromResult(ExitCode.Usage);
            }
            EdgeOptions served = edge.Read(parsed) with
            {
                Bind = options.Bind,
                HttpPort = ports.Http,
                HttpsPort = ports.Https,
                Variants = StateFolder.VariantsOf(state),
            };
            return RoleHost.RunAsync(parts =>
            {
                ContentOptions keyed = options with { Credentials = parts.Credentials };
                ContentRole role = new(keyed, parts.Dialer, parts.Datagrams, parts.Time, parts.Loggers);
                return [role, new EdgeRole(served, role.Files, parts.Time, parts.Loggers)];
            }, ports, keys: keys.Read(parsed));
        });
        return verb;
    }
}
