using System.Globalization;
using System.Text;
using MicroCdn.Network;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace MicroCdn.Admin;

/// <summary>Writes what was measured in the text format of Prometheus, version 0.0.4.</summary>
/// <remarks>Names as the OpenTelemetry specification has them there (Prometheus and OpenMetrics compatibility): dots
/// become underscores, the unit and <c>_total</c> are appended. The library's own exporters come with a server of
/// their own.</remarks>
/// <param name="histograms">What roles count themselves, each with the id of its server.</param>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusText(Func<IReadOnlyList<(string? Server, WatchedHistogram Histogram)>> histograms)
    : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly StringBuilder _page = new();

    /// <summary>What the last collection wrote.</summary>
    public byte[] Page { get; private set; } = [];

    /// <summary>Collects now; the reader sets it.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>What kept it from writing; the library drops it.</summary>
    public Exception? Failure { get; private set; }

    /// <inheritdoc/>
    public override ExportResult Export(in Batch<Metric> batch)
    {
        List<Metric> metrics = [];
        foreach (Metric metric in batch) metrics.Add(metric);
        try
        {
            Write(metrics);
            Failure = null;
            return ExportResult.Success;
        }
        catch (Exception exception)
        {
            Failure = exception;
            return ExportResult.Failure;
        }
    }

    /// <summary>The name of an instrument there.</summary>
    public static string NameOf(string name, string unit, MetricType type)
    {
        string text = name.Replace('.', '_').Replace('-', '_');
        string suffix = unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            "1" when !type.IsSum() => "_ratio",
            _ => "",
        };
        if (suffix.Length > 0 && !text.EndsWith(suffix, StringComparison.Ordinal)) text += suffix;
        return IsCounter(type) ? text + "_total" : text;
    }

    private static bool IsCounter(MetricType type) => type is MetricType.LongSum or MetricType.DoubleSum;

    private void Write(List<Metric> metrics)
    {
        _page.Clear();
        var families = metrics.GroupBy(metric => NameOf(metric.Name, metric.Unit, metric.MetricType))
            .Select(alike => (alike.Key, Write: (Action)(() => Write(alike.Key, [.. alike]))))
            .Concat(histograms().Where(one => one.Histogram.Series.Count > 0)
                .GroupBy(one => NameOf(one.Histogram.Name, one.Histogram.Unit, MetricType.Histogram))
                .Select(alike => (alike.Key, Write: (Action)(() => Write(alike.Key, [.. alike])))));
        foreach (var family in families.OrderBy(family => family.Key, StringComparer.Ordinal)) family.Write();
        Page = Encoding.UTF8.GetBytes(_page.ToString());
    }

    // Several servers of one process measure the same.
    private void Write(string name, Metric[] metrics)
    {
        string kind = metrics[0].MetricType == MetricType.Histogram ? "histogram"
            : IsCounter(metrics[0].MetricType) ? "counter" : "gauge";
        Head(name, metrics[0].Description, kind);
        foreach (Metric metric in metrics)
        {
            foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
            {
                string labels = LabelsOf(metric, point);
                if (metric.MetricType == MetricType.Histogram) WriteHistogram(name, labels, point);
                else Line($"{name}{Braced(labels)} {ValueOf(metric.MetricType, point)}");
            }
        }
    }

    private void Write(string name, (string? Server, WatchedHistogram Histogram)[] alike)
    {
        Head(name, alike[0].Histogram.Description, "histogram");
        foreach ((string? server, WatchedHistogram histogram) in alike)
        {
            foreach (WatchedSeries series in histogram.Series)
            {
                StringBuilder labels = new();
                if (server is not null) Append(labels, new("server", server));
                foreach ((string key, string value) in series.Tags) Append(labels, new(key, value));
                WriteHistogram(name, labels.ToString(),
                    histogram.Bounds.Append(double.PositiveInfinity).Zip(series.Buckets), series.Sum);
            }
        }
    }

    private void WriteHistogram(string name, string labels, in MetricPoint point)
    {
        List<(double, long)> buckets = [];
        foreach (HistogramBucket bucket in point.GetHistogramBuckets())
        {
            buckets.Add((bucket.ExplicitBound, bucket.BucketCount));
        }
        WriteHistogram(name, labels, buckets, point.GetHistogramSum());
    }

    private void WriteHistogram(
        string name, string labels, IEnumerable<(double Bound, long Count)> buckets, double sum)
    {
        string before = labels.Length > 0 ? labels + "," : "";
        long count = 0;
        foreach ((double bound, long inside) in buckets)
        {
            count += inside;
            string shown = double.IsPositiveInfinity(bound) ? "+Inf" : Text(bound);
            Line($"{name}_bucket{{{before}le=\"{shown}\"}} {count}");
        }
        Line($"{name}_sum{Braced(labels)} {Text(sum)}");
        Line($"{name}_count{Braced(labels)} {count}");
    }

    private void Head(string name, string description, string kind)
    {
        Line($"# HELP {name} {Escape(description, isLabel: false)}");
        Line($"# TYPE {name} {kind}");
    }

    private static string ValueOf(MetricType type, in MetricPoint point) => type switch
    {
        MetricType.LongSum or MetricType.LongSumNonMonotonic => Text(point.GetSumLong()),
        MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => Text(point.GetSumDouble()),
        MetricType.LongGauge => Text(point.GetGaugeLastValueLong()),
        MetricType.DoubleGauge => Text(point.GetGaugeLastValueDouble()),
        _ => throw new NotSupportedException($"a metric of kind {type} has no form of text here"),
    };

    private static string LabelsOf(Metric metric, in MetricPoint point)
    {
        StringBuilder labels = new();
        foreach (KeyValuePair<string, object?> tag in metric.MeterTags ?? []) Append(labels, tag);
        foreach (KeyValuePair<string, object?> tag in point.Tags) Append(labels, tag);
        return labels.ToString();
    }

    private static void Append(StringBuilder labels, KeyValuePair<string, object?> tag)
    {
        if (labels.Length > 0) labels.Append(',');
        string value = Convert.ToString(tag.Value, CultureInfo.InvariantCulture) ?? "";
        labels.Append(tag.Key.Replace('.', '_')).Append("=\"").Append(Escape(value, isLabel: true)).Append('"');
    }

    private static string Braced(string labels) => labels.Length > 0 ? $"{{{labels}}}" : "";

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Escape(string text, bool isLabel)
    {
        string escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
        return isLabel ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private void Line(string text) => _page.Append(text).Append('\n');
}
