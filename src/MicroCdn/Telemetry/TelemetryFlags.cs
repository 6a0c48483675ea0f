using System.CommandLine;
using MicroCdn.Admin.Otlp;
using MicroCdn.Verbs;

namespace MicroCdn.Telemetry;

/// <summary>The flags that say where what is measured is sent.</summary>
internal sealed class TelemetryFlags
{
    private readonly Option<OtlpTarget?> _target = new("--otlp")
    {
        Description = "A collector that metrics are sent to, by OTLP: http or https for protobuf over HTTP, "
            + "grpc or grpcs for gRPC (docs/metrics.md).",
        HelpName = "URL",
        CustomParser = result => Flags.Read<OtlpTarget>(result, "--otlp",
            "a URL of http, https, grpc or grpcs, such as http://localhost:4318", OtlpTarget.TryParse),
    };

    /// <summary>New ones, added to a verb.</summary>
    public static TelemetryFlags AddedTo(Command verb)
    {
        TelemetryFlags flags = new();
        verb.Options.Add(flags._target);
        return flags;
    }

    /// <summary>Reads the flags; null when nothing is sent.</summary>
    public OtlpTarget? Read(ParseResult parsed) => parsed.GetValue(_target);
}
