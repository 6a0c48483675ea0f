using System.Globalization;
using MicroCdn.ClusterTests.Processes;
using MicroCdn.Storage;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Copies that are made so that nothing is lost push nothing out of memory that is being read.</summary>
[Trait("Needs", "fincore")]
public sealed class ColdCopyTests : IAsyncLifetime
{
    private const int Size = 20 << 20;

    private readonly Stage _stage = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cold_part_leaves_nothing_of_it_in_the_page_cache(bool isCold)
    {
        Assert.SkipWhen(new DriveInfo(_stage.Folder).DriveFormat is "tmpfs", "the folder has no disk but memory");
        string target = Path.Combine(_stage.Folder, "copy");
        using (PartFile part = PartFile.Create(target, Size, isCold))
        {
            for (int chunk = 0; chunk < Size >> 20; chunk++) part.Write(chunk, chunk << 20, Stage.Noise(1 << 20, chunk));
            part.Commit();
        }
        string resident = (await ToolRun.OfAsync(
            _stage.Folder, "fincore", "--bytes", "--noheadings", "--output", "RES", target)).Text;
        long bytes = long.Parse(resident, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
            CultureInfo.InvariantCulture);
        if (isCold) Assert.InRange(bytes, 0, Size / 20);
        else Assert.InRange(bytes, Size / 2, Size);
    }
}
