using System.Text;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>One span as it reached a collector: as much of opentelemetry/proto/trace/v1/trace.proto as tests
/// read.</summary>
internal sealed record SentSpan(string Trace, string Id, string Parent, string Name, string Kind, string Text)
{
    private static readonly string[] Kinds = ["", "internal", "server", "client"];

    /// <summary>Reads all that a collector got.</summary>
    public static SentSpan[] Of(ScriptedOrigin collector) =>
        [.. collector.Calls.Where(call => call.Target == "/v1/traces").SelectMany(call => In(call.Body))];

    /// <summary>True when an attribute or another text of it is there.</summary>
    public bool Says(string text) => Text.Contains(text, StringComparison.Ordinal);

    // ExportTraceServiceRequest: resource_spans = 1; ResourceSpans: scope_spans = 2; ScopeSpans: spans = 2.
    private static IEnumerable<SentSpan> In(string body) =>
        from resource in Parts(body, 1) from scope in Parts(resource, 2) from span in Parts(scope, 2) select Read(span);

    private static SentSpan Read(string span) => new(Hex(Parts(span, 1).Single()), Hex(Parts(span, 2).Single()),
        Hex(Parts(span, 4).FirstOrDefault() ?? ""), Parts(span, 5).Single(), Kinds[Numbers(span, 6).Single()], span);

    private static string Hex(string bytes) => Convert.ToHexStringLower(Encoding.Latin1.GetBytes(bytes));

    private static IEnumerable<string> Parts(string message, int field) =>
        Fields(message).Where(one => one.Field == field && one.Part is not null).Select(one => one.Part!);

    private static IEnumerable<int> Numbers(string message, int field) =>
        Fields(message).Where(one => one.Field == field && one.Part is null).Select(one => (int)one.Number);

    private static IEnumerable<(int Field, ulong Number, string? Part)> Fields(string message)
    {
        for (int at = 0; at < message.Length;)
        {
            ulong tag = Number(message, ref at);
            ulong number = 0;
            string? part = null;
            switch (tag & 7)
            {
                case 0:
                    number = Number(message, ref at);
                    break;
                case 1:
                    at += 8;
                    break;
                case 2:
                    int length = (int)Number(message, ref at);
                    part = message.Substring(at, length);
                    at += length;
                    break;
                default:
                    at += 4;
                    break;
            }
            yield return ((int)(tag >> 3), number, part);
        }
    }

    private static ulong Number(string message, ref int at)
    {
        ulong number = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte one = (byte)message[at++];
            number |= (ulong)(one & 0x7F) << shift;
            if (one < 0x80) return number;
        }
    }
}
