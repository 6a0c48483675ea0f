using MicroCdn.Monitor;

namespace MicroCdn.Tests.Monitor.Simulation;

// Issue 4, Proof: the bars of detection, on fewer faults and hours than `bench/run detection` plays.
public sealed class MeasurementTests
{
    public static TheoryData<string, double> Faults
    {
        get
        {
            TheoryData<string, double> faults = [];
            foreach (string fault in new[] { nameof(HappeningKind.Hang), nameof(HappeningKind.CutUp) })
            {
                foreach (double loss in new[] { 0, 0.01, 0.1, 0.3 }) faults.Add(fault, loss);
            }
            return faults;
        }
    }

    [Theory, MemberData(nameof(Faults))]
    public void What_hangs_or_is_cut_off_is_suspect_in_half_a_second_and_dead_within_one(string fault, double loss)
    {
        Detection times = Measurements.Detect(1, Enum.Parse<HappeningKind>(fault), loss, DetectionProfile.Lan, 200);
        Assert.Equal(times.Faults, times.Dead.Length);
        Assert.InRange(Detection.Percentile(times.Suspect, 0.99), 0, 0.5);
        Assert.InRange(Detection.Percentile(times.Dead, 0.5), 0, 0.75);
        Assert.InRange(times.Dead[^1], 0, 1.0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.01)]
    public void A_crash_is_known_in_fifty_milliseconds(double loss)
    {
        Detection times = Measurements.Detect(1, HappeningKind.Crash, loss, DetectionProfile.Lan, 200);
        Assert.Equal(times.Faults, times.Dead.Length);
        Assert.InRange(Detection.Percentile(times.Dead, loss == 0 ? 0.99 : 0.9), 0, 0.05);
    }

    [Fact]
    public void Nobody_dies_in_peace_at_thirty_percent_loss()
    {
        Peace peace = Measurements.Watch(1, 50, TimeSpan.FromMinutes(6), new Conditions { Loss = 0.3 },
            DetectionProfile.Lan);
        Assert.True(peace.Suspicions > 500);
        Assert.Equal(0, peace.Deaths);
    }

    [Fact]
    public void Three_seconds_of_patience_outlast_bursts()
    {
        Conditions bursts = new() { Burst = TimeSpan.FromMilliseconds(200) };
        Assert.Equal(0, Measurements.Watch(1, 50, TimeSpan.FromMinutes(6), bursts, DetectionProfile.Wan).Deaths);
    }
}
