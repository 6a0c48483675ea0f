using CsCheck;
using MicroCdn.Content.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Content.Publishing;

public sealed class PublishingLogTests : IDisposable
{
    private static readonly Gen<PublishingRecord> Records = Gen.Select(Gen.Int[1, 4], Gen.Byte[1, 200],
        Gen.Long[0, 5L << 30], Gen.Long[0, 9], Gen.OneOf("a", "b/c", "ü", new string('n', 1000)))
        .Select((kind, seed, size, revision, name) =>
    {
        FileDigest digest = DigestOf(seed);
        FileDigest root = Chunks.FollowFromDigest(size) ? Chunks.RootOfOne(size, digest) : DigestOf((byte)(seed + 1));
        return (RecordKind)kind switch
        {
            RecordKind.Keep => PublishingRecord.Keep(new Blob(digest, size, root), revision),
            RecordKind.Forget => PublishingRecord.Forget(digest),
            RecordKind.Show => PublishingRecord.Show(name.Utf8(), digest, revision, revision + 1),
            _ => PublishingRecord.Drop(name.Utf8(), revision),
        };
    });

    private readonly TemporaryFolder _world = new();

    private string LogPath => _world["names"];

    public void Dispose() => _world.Dispose();

    [Fact]
    public void What_is_written_is_read_again_and_what_is_no_record_is_refused() => Records.Sample(record =>
    {
        byte[] bytes = record.ToBytes(more: true);
        Assert.True(PublishingRecord.TryRead(bytes, out PublishingRecord read, out bool more));
        Assert.True(more);
        Assert.Equal(record.ToBytes(more: false), read.ToBytes(more: false));
        if (record.Name.Length > 0) return;
        for (int cut = 0; cut < bytes.Length; cut++)
        {
            Assert.False(PublishingRecord.TryRead(bytes.AsSpan(0, cut), out _, out _));
        }
    }, iter: 500);

    // The file is cut at every byte, as a kill or a power cut may leave it.
    [Fact]
    public async Task Cut_anywhere_the_log_says_whole_groups_from_the_first_on_and_can_be_written_on()
    {
        Gen<PublishingRecord[][]> groups = Records.Array[1, 4].Array[1, 4];
        await groups.SampleAsync(async all =>
        {
            List<long> ends = [0];
            PublishingLog log = Open(out _);
            foreach (PublishingRecord[] group in all)
            {
                await log.ChangeAsync([], () => group, _ => { });
                ends.Add(new FileInfo(LogPath).Length);
            }
            byte[] whole = File.ReadAllBytes(LogPath);
            for (int cut = 0; cut <= whole.Length; cut += 1 + (whole.Length / 200))
            {
                File.WriteAllBytes(LogPath, whole[..cut]);
                PublishingLog cutLog = Open(out List<string> said);
                string[] expected = [.. all.Take(ends.FindLastIndex(end => end <= cut)).SelectMany(group => group)
                    .Select(record => record.ToString())];
                Assert.Equal(expected, said);
                // What comes next must not be taken for the rest of a torn group.
                await cutLog.ChangeAsync([], () => all[0], _ => { });
                Open(out List<string> after);
                Assert.Equal([.. expected, .. all[0].Select(record => record.ToString())], after);
            }
            File.Delete(LogPath);
        }, iter: 15, threads: 1);
    }

    [Fact]
    public async Task The_next_one_sees_what_the_one_before_did_to_the_same_name()
    {
        PublishingLog log = Open(out _);
        int now = 0;
        List<int> seen = [];
        await Task.WhenAll(Enumerable.Range(0, 100).Select(n => log.ChangeAsync(["a"], () =>
        {
            seen.Add(now);
            return [PublishingRecord.Drop("a"u8.ToArray(), n)];
        }, _ => now++)));
        Assert.Equal(Enumerable.Range(0, 100), seen);
    }

    [Fact]
    public async Task A_disk_that_refuses_changes_nothing_and_what_it_took_of_it_is_gone_with_the_next_change()
    {
        StoreHealth health = new(_ => { });
        PublishingLog log = new(LogPath, health, Task.Run);
        log.Load(_ => { });
        await log.ChangeAsync([], () => [PublishingRecord.Drop("a"u8.ToArray(), 1)], _ => { });
        // A folder in place of the file: it cannot be opened for writing.
        File.Move(LogPath, _world["aside"]);
        Directory.CreateDirectory(LogPath);
        bool applied = false;
        await Assert.ThrowsAnyAsync<Exception>(() => log.ChangeAsync(
            [], () => [PublishingRecord.Drop("b"u8.ToArray(), 2)], _ => applied = true));
        Assert.False(applied);
        Directory.Delete(LogPath);
        File.Move(_world["aside"], LogPath);
        // As if it had been written in part before it failed.
        File.AppendAllText(LogPath, new string('x', 1000));
        await log.ChangeAsync([], () => [PublishingRecord.Drop("c"u8.ToArray(), 3)], _ => { });
        PublishingLog again = Open(out List<string> said);
        Assert.Equal(2, said.Count);
        Assert.False(again.IsDamaged);
    }

    private PublishingLog Open(out List<string> said)
    {
        List<string> heard = said = [];
        List<PublishingRecord> all = [];
        PublishingLog log = new(LogPath, new StoreHealth(_ => { }), Task.Run) { Everything = () => all };
        log.Load(record =>
        {
            heard.Add(record.ToString());
            all.Add(record);
        });
        return log;
    }

    private static FileDigest DigestOf(byte seed) => new(Enumerable.Repeat(seed, FileDigest.Length).ToArray());
}
