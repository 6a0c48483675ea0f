using System.Globalization;
using MicroCdn.Fuzz;
using SharpFuzz;

// fuzz/run calls this: first to instrument a copy of the rooms, then from beside that copy.
if (args is ["instrument", var folder])
{
    foreach (string room in Directory.GetFiles(folder, "MicroCdn.*.dll"))
    {
        if (Path.GetFileName(room) == "MicroCdn.Fuzz.dll") continue;
        Fuzzer.Instrument(room, _ => true, Options.Value);
    }
    return 0;
}

string top = Environment.GetEnvironmentVariable("MICROCDN_TOP") ?? Environment.CurrentDirectory;
string corpus = Path.Combine(top, "fuzz", "corpus");
string findings = Path.Combine(top, "artifacts", "findings");

if (args is ["list"])
{
    foreach (Target target in Targets.All) Console.WriteLine(target.Name);
    return 0;
}
if (args is ["replay", var replayed, var file])
{
    Campaign campaign = new(Targets.Find(replayed), new Coverage(), corpus, findings);
    return campaign.Try(File.ReadAllBytes(file), out _) ? 0 : 1;
}
if (args is ["run", var name, var seconds, var seed, var keep])
{
    Campaign campaign = new(Targets.Find(name), new Coverage(), corpus, findings);
    TimeSpan span = TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture));
    return campaign.Run(span, int.Parse(seed, CultureInfo.InvariantCulture), keep == "keep") ? 0 : 1;
}
Console.Error.WriteLine("called by fuzz/run; see fuzz/run --help");
return 2;
