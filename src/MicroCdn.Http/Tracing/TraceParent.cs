using System.Diagnostics;
using System.Text;
using MicroCdn.Protocol;

namespace MicroCdn.Http.Tracing;

/// <summary>The two fields by which a trace goes from one program to the next (W3C Trace Context).</summary>
public static class TraceParent
{
    // version "-" trace-id "-" parent-id "-" trace-flags (section 3.2.2).
    private const int Length = 55;
    private const int TraceAt = 3, ParentAt = 36, FlagsAt = 53;

    private const int TraceDigits = 32, ParentDigits = 16;

    // What every program is to pass on; longer ones may be dropped (section 3.3.1.5), for spans wait, and keep it.
    private const int MostStateBytes = 512;

    private static ReadOnlySpan<byte> Name => "traceparent"u8;

    private static ReadOnlySpan<byte> StateName => "tracestate"u8;

    /// <summary>Reads them; false when there is none that is sound, and the request belongs to no trace.</summary>
    /// <remarks>Several lines are as unsound as none (section 3.2). Of a version that is not known yet, what this
    /// one has is read (section 4.3, Versioning of traceparent).</remarks>
    public static bool TryRead<TFields>(in TFields fields, out ActivityContext context)
        where TFields : IFields, allows ref struct
    {
        context = default;
        ReadOnlySpan<byte> value = fields.Joined(Name);
        if (!IsSound(value)) return false;
        bool isSampled = (Digit(value[FlagsAt + 1]) & 1) != 0;
        ReadOnlySpan<byte> state = fields.Joined(StateName);
        context = new ActivityContext(
            ActivityTraceId.CreateFromUtf8String(value.Slice(TraceAt, TraceDigits)),
            ActivitySpanId.CreateFromUtf8String(value.Slice(ParentAt, ParentDigits)),
            isSampled ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None,
            state.IsEmpty || state.Length > MostStateBytes ? null : Encoding.Latin1.GetString(state), isRemote: true);
        return true;
    }

    /// <summary>The fields with those of a span in the place of those that came.</summary>
    public static HeaderFields Put(HeaderFields fields, in ActivityContext context)
    {
        HeaderFields.Builder builder = new();
        for (int line = 0; line < fields.Count; line++)
        {
            if (!fields.IsNamed(line, Name) && !fields.IsNamed(line, StateName)) builder.Add(fields, line);
        }
        string flags = context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded) ? "01" : "00";
        builder.Add(Name, Encoding.ASCII.GetBytes($"00-{context.TraceId}-{context.SpanId}-{flags}"));
        if (context.TraceState is { Length: > 0 } state) builder.Add(StateName, Encoding.Latin1.GetBytes(state));
        return builder.Build();
    }

    private static bool IsSound(ReadOnlySpan<byte> value)
    {
        if (value.Length < Length || value[2] != '-' || value[ParentAt - 1] != '-' || value[FlagsAt - 1] != '-')
        {
            return false;
        }
        ReadOnlySpan<byte> version = value[..2], trace = value.Slice(TraceAt, TraceDigits);
        ReadOnlySpan<byte> parent = value.Slice(ParentAt, ParentDigits), flags = value.Slice(FlagsAt, 2);
        if (!AreDigits(version) || !AreDigits(trace) || !AreDigits(parent) || !AreDigits(flags)) return false;
        if (version.SequenceEqual("ff"u8)) return false;
        // Later versions may have more behind another dash.
        if (value.Length > Length && (version.SequenceEqual("00"u8) || value[Length] != '-')) return false;
        return trace.ContainsAnyExcept((byte)'0') && parent.ContainsAnyExcept((byte)'0');
    }

    // Lower case alone (section 3.2.2).
    private static bool AreDigits(ReadOnlySpan<byte> text)
    {
        foreach (byte digit in text)
        {
            if (Digit(digit) < 0) return false;
        }
        return true;
    }

    private static int Digit(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        _ => -1,
    };
}
