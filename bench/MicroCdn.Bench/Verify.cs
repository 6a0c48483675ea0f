using System.Globalization;
using MicroCdn.Client;
using MicroCdn.Protocol;

namespace MicroCdn.Bench;

/// <summary>What verifying costs a client: processor time for each GiB, with and without.</summary>
internal static class Verify
{
    public static void Run(Settings settings)
    {
        SampleFile file = settings.Quick ? SampleFile.TenMebibytes : SampleFile.OneGibibyte;
        using Workspace workspace = new(settings);
        string folder = workspace.WriteFiles(file);
        MortalFleet fleet = new(workspace, folder, servers: 1);
        fleet.WaitUntilKnown(file.Name);
        using CdnClient client = new(new ClientOptions { IndexHost = "127.0.0.1", IndexPort = fleet.IndexPort });
        FileName.TryCreate(file.Name, out FileName name);
        string target = Path.Combine(workspace.Folder, "got", "file.bin");

        List<double> with = [], without = [];
        (List<double> Figures, Func<Task<DownloadResult>> Get)[] ways =
        [
            (with, () => client.DownloadAsync(file.Name, target)),
            (without, () => client.DownloadFromAsync("127.0.0.1", fleet.PortOf(0), name, target, null, default)),
        ];
        // The first of each compiles its code.
        foreach (var way in ways) _ = way.Get().GetAwaiter().GetResult();
        settings.Alternate(ways, way =>
        {
            TimeSpan before = Libc.ProcessorTime(Environment.ProcessId);
            _ = way.Get().GetAwaiter().GetResult();
            TimeSpan used = Libc.ProcessorTime(Environment.ProcessId) - before;
            way.Figures.Add(used.TotalSeconds * (1 << 30) / file.Size);
        });
        Spread verified = Spread.Of(with), plain = Spread.Of(without);
        Table table = new("Processor time of a client for a GiB, in seconds", "download", "s/GiB");
        table.Add("verified, by chunks", verified.Show("N2"));
        table.Add("not verified, version 1", plain.Show("N2"));
        table.Add("what verifying costs", (verified.Median - plain.Median).ToString("N2", CultureInfo.InvariantCulture));
        table.Print("The bar is 0.8 s.");
    }
}
