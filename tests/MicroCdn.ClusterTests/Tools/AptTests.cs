using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>apt-get from a small repository, by way of the gateway.</summary>
[Trait("Needs", "apt")]
public sealed class AptTests
{
    [Fact]
    public async Task It_updates_and_downloads_packages_and_asks_again_only_for_what_changed()
    {
        await using Stage stage = new();
        string files = stage.MakeFolder("one");
        byte[][] packages = [await MakePackageAsync(stage, files, "microcdn-one"), await MakePackageAsync(stage, files, "microcdn-two")];
        await MakeListsAsync(stage, files);
        Fleet fleet = await Fleet.StartAsync(stage);
        await fleet.AddAsync(files);
        await fleet.UntilOfferedAsync("debian/Packages", 1);
        await fleet.UntilOfferedAsync("debian/microcdn-two_1.0_all.deb", 1);

        string own = MakeOwnFolder(stage, $"deb [trusted=yes] {fleet.Url("")} debian/\n");
        ToolRun run = (await AptAsync(own, "update")).Succeeded();
        Assert.DoesNotContain("Err:", run.Text, StringComparison.Ordinal);
        (await AptAsync(own, "download", "microcdn-one", "microcdn-two")).Succeeded();
        Assert.Equal(packages[0], await File.ReadAllBytesAsync(Path.Combine(own, "microcdn-one_1.0_all.deb")));
        Assert.Equal(packages[1], await File.ReadAllBytesAsync(Path.Combine(own, "microcdn-two_1.0_all.deb")));

        run = (await AptAsync(own, "update")).Succeeded();
        Assert.Contains("Hit:", run.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Get:", run.Text, StringComparison.Ordinal);
    }

    private static async Task<byte[]> MakePackageAsync(Stage stage, string files, string name)
    {
        string tree = stage.MakeFolder($"{name}-tree");
        Directory.CreateDirectory(Path.Combine(tree, "DEBIAN"));
        await File.WriteAllTextAsync(Path.Combine(tree, "DEBIAN/control"), $"Package: {name}\nVersion: 1.0\nArchitecture: all\n"
            + "Maintainer: nobody <nobody@example.org>\nDescription: a package of a test\n");
        Stage.WriteFile(Path.Combine(tree, "usr/share/test", name), Stage.Noise(100_000));
        Directory.CreateDirectory(Path.Combine(files, "debian"));
        string package = Path.Combine(files, "debian", $"{name}_1.0_all.deb");
        (await ToolRun.OfAsync(stage.Folder, "dpkg-deb", "--root-owner-group", "--build", tree, package)).Succeeded();
        byte[] bytes = await File.ReadAllBytesAsync(package);
        Stage.WriteFile(package, bytes);
        return bytes;
    }

    private static async Task MakeListsAsync(Stage stage, string files)
    {
        string folder = Path.Combine(files, "debian");
        // Named by their folder and not by "./": apt sends that as it stands, and dot segments find nothing here.
        byte[] list = (await ToolRun.OfAsync(files, "dpkg-scanpackages", "--multiversion", "debian")).Succeeded().Output;
        Stage.WriteFile(Path.Combine(folder, "Packages"), list);
        string date = TimeProvider.System.GetUtcNow().ToString("R", CultureInfo.InvariantCulture);
        string release = $"Origin: test\nSuite: test\nDate: {date}\nSHA256:\n"
            + $" {Convert.ToHexStringLower(SHA256.HashData(list))} {list.Length} Packages\n";
        Stage.WriteFile(Path.Combine(folder, "Release"), Encoding.UTF8.GetBytes(release));
    }

    // Everything apt reads and writes, so that nothing of the machine's own is touched.
    private static string MakeOwnFolder(Stage stage, string sources)
    {
        string own = stage.MakeFolder("apt");
        foreach (string part in new[] { "etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d",
            "etc/apt/trusted.gpg.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg", "var/log/apt" })
        {
            Directory.CreateDirectory(Path.Combine(own, part));
        }
        File.WriteAllText(Path.Combine(own, "var/lib/dpkg/status"), "");
        File.WriteAllText(Path.Combine(own, "etc/apt/sources.list"), sources);
        return own;
    }

    private static Task<ToolRun> AptAsync(string own, params string[] arguments) => ToolRun.OfAsync(own, "apt-get",
        ["-o", $"Dir={own}/", "-o", $"Dir::State::status={own}/var/lib/dpkg/status", "-o", "APT::Sandbox::User=root",
            "-o", "Acquire::Languages=none", "-o", "Debug::NoLocking=1", "-o", "Acquire::http::Proxy=DIRECT",
            "-o", "Acquire::http::Timeout=60", .. arguments]);
}
