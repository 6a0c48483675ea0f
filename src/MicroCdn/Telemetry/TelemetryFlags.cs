using System.CommandLine;
using System.Globalization;
using MicroCdn.Admin.Otlp;
using MicroCdn.Verbs;

namespace MicroCdn.Telemetry;

/// <summary>The flags that say where what is measured is sent.</summary>
internal sealed class TelemetryFlags
{
    private readonly Option<OtlpTarget?> _target = new("--otlp")
    {
        Description = "A collector that metrics and traces are sent to, by OTLP: http or https for protobuf over HTTP, "
            + "grpc or grpcs for gRPC (docs/metrics.md, docs/traces.md).",
        HelpName = "URL",
        CustomParser = result => Flags.Read<OtlpTarget>(result, "--otlp",
            "a URL of http, https, grpc or grpcs, such as http://localhost:4318", OtlpTarget.TryParse),
    };

    private readonly Option<double> _ratio = new("--trace-ratio")
    {
        Description = "The part of the requests without traceparent that traces are made of, from 0 to 1; with --otlp.",
        HelpName = "N",
        DefaultValueFactory = _ => 0,
        CustomParser = result => Flags.Read<double>(result, "--trace-ratio", "a number from 0 to 1",
            (string text, out double ratio) => double.TryParse(text, NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture, out ratio) && ratio is >= 0 and <= 1),
    };

    /// <summary>New ones, added to a verb.</summary>
    public static TelemetryFlags AddedTo(Command verb)
    {
        TelemetryFlags flags = new();
        verb.Options.Add(flags._target);
        verb.Options.Add(flags._ratio);
        return flags;
    }

    /// <summary>Reads the flags; null when nothing is sent.</summary>
    public OtlpTarget? Read(ParseResult parsed) =>
        parsed.GetValue(_target) is { } target ? target with { TraceRatio = parsed.GetValue(_ratio) } : null;
}
