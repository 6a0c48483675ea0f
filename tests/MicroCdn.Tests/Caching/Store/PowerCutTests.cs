using System.Globalization;
using System.Runtime.Versioning;
using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Protocol;
using MicroCdn.Storage;

namespace MicroCdn.Tests.Caching.Store;

// After a power cut every copy that was complete a second before is there, and whatever is there is whole.
[SupportedOSPlatform("linux")]
public sealed class PowerCutTests
{
    private const int Keys = 6, PartLength = 900_000;

    private readonly Dictionary<string, List<Version>> _versions = [];
    private Random _chance = new(0);
    private int _found, _lost;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_a_power_cut_leaves_is_whole_or_nothing_and_nothing_that_was_synced_is_missing(int seed)
    {
        _chance = new Random(seed);
        using StoreWorld world = new();
        PowerCut disk = new(world.Folder);
        for (int cut = 0; cut < 40; cut++)
        {
            for (int step = _chance.Next(1, 12); step > 0; step--)
            {
                Act(world, disk);
                disk.Look();
            }
            world.Kill(() => disk.Cut(_chance));
            Check(world);
            Rest(world, disk);
        }
        // Else it would prove nothing.
        Assert.True(_found > 100 && _lost > 10, $"{_found} were found, {_lost} were lost");
    }

    [Fact]
    public void A_copy_that_was_replaced_and_is_back_leaves_before_the_one_that_replaced_it()
    {
        using StoreWorld world = new();
        world.Put("/a", [1]);
        string path = world.Files[0];
        byte[] file = File.ReadAllBytes(path);
        world.Put("/a", [2]);
        world.Kill(() => File.WriteAllBytes(path, file));
        Assert.Equal((byte)2, world.ByteOf("/a"));
        Assert.DoesNotContain(path, world.Files);
    }

    private void Act(StoreWorld world, PowerCut disk)
    {
        string path = $"/{_chance.Next(Keys)}";
        switch (_chance.Next(9))
        {
            case 0 or 1:
                Put(world, path, _chance.Next(20_000));
                break;
            case 2:
                Put(world, path, _chance.Next(270_000, 500_000));
                break;
            case 3 or 4 or 5:
                Update(world, path);
                break;
            case 6:
                PutPart(world, $"{path}/parts");
                break;
            case 7:
                Purge(world, path);
                break;
            default:
                Rest(world, disk);
                break;
        }
    }

    // A second passes: the store has synced.
    private void Rest(StoreWorld world, PowerCut disk)
    {
        world.Put("/to-have-something-to-sync", [1]);
        world.PassSecond();
        disk.Synced();
        foreach (Version version in _versions.Values.SelectMany(versions => versions))
        {
            version.SyncedTag = version.Tags.Count - 1;
        }
        foreach (List<Version> versions in _versions.Values)
        {
            if (versions.Count > 0) versions.RemoveRange(0, versions.Count - 1);
        }
    }

    private void Put(StoreWorld world, string path, int length)
    {
        Version version = new(StoreWorld.Bytes(length, _chance.Next()));
        Assert.NotNull(world.Put(path, version.Body, HeadOf(version.NewTag(_chance))));
        Of(path).Add(version);
    }

    // Long heads, so that the tail of a file is soon too long.
    private void Update(StoreWorld world, string path)
    {
        if (Of(path) is not [.., Version version] || world.Find(path) is not { } copy) return;
        if (copy.Head.Fields.ToString() != HeadOf(version.Tags[^1]).Fields.ToString()) return;
        Assert.True(world.Store.Update(copy, HeadOf(version.NewTag(_chance)), world.Store.Mark()));
    }

    private void PutPart(StoreWorld world, string path)
    {
        int offset = _chance.Next(9) * 100_000;
        ByteRange part = new(offset, 100_000);
        Copy? copy = world.Find(path);
        if (Of(path) is not [.., Version version] || copy is null)
        {
            version = new(StoreWorld.Bytes(PartLength, _chance.Next()));
            Of(path).Add(version);
            copy = null;
        }
        using GrowingCopy growing = copy is not null ? world.Store.Extend(copy, part) : world.Store.BeginPart(
            StoreWorld.Key(path), HeadOf(version.NewTag(_chance)), PartLength, part, world.Store.Mark());
        StoreWorld.Write(growing, version.Body.AsMemory(offset, 100_000));
        growing.Complete();
    }

    private void Purge(StoreWorld world, string path)
    {
        PurgeOrder order = new(PurgeScope.Url, StoreWorld.Key(path).Text, IsSoft: false);
        Assert.Null(world.Store.Purge(order).Trouble);
        Of(path).Clear();
    }

    private void Check(StoreWorld world)
    {
        world.WaitUntilListed();
        foreach ((string path, List<Version> versions) in _versions)
        {
            Copy? copy = world.Find(path);
            if (copy is { PurgeState: PurgeState.Gone }) copy = null;
            // What was replaced since may be gone with what replaced it.
            bool isDue = versions is [{ SyncedTag: >= 0 }];
            if (copy is null)
            {
                Assert.False(isDue, $"{path} was complete, and is gone");
                if (versions.Count > 0) _lost++;
                versions.Clear();
                continue;
            }
            Version? found = versions.Find(version => Holds(copy, version));
            Assert.True(found is not null, $"{path} has other bytes than it had");
            int tag = found.Tags.FindIndex(one => HeadOf(one).Fields.ToString() == copy.Head.Fields.ToString());
            Assert.True(tag >= Math.Max(0, found.SyncedTag), $"{path} has head {tag} of {found.SyncedTag}");
            found.Tags.RemoveRange(tag + 1, found.Tags.Count - tag - 1);
            // One that was replaced may come back, until its deletion was synced.
            versions.RemoveRange(versions.IndexOf(found) + 1, versions.Count - versions.IndexOf(found) - 1);
            _found++;
        }
    }

    private static bool Holds(Copy copy, Version version)
    {
        if (copy.Length != version.Body.Length) return false;
        if (copy.IsComplete) return StoreWorld.Body(copy).AsSpan().SequenceEqual(version.Body);
        SharedFile file = copy.Open()!;
        bool isSame = true;
        foreach (ByteRange range in copy.Present.Ranges)
        {
            byte[] bytes = new byte[range.Length];
            isSame &= file.Read(bytes, copy.BodyOffset + range.Offset) == bytes.Length
                && bytes.AsSpan().SequenceEqual(version.Body.AsSpan((int)range.Offset, (int)range.Length));
        }
        file.Release();
        return isSame;
    }

    private List<Version> Of(string path) =>
        _versions.TryGetValue(path, out List<Version>? versions) ? versions : _versions[path] = [];

    private static StoredHead HeadOf(string tag) => StoreWorld.Head($"ETag: \"{tag}\"\r\n");

    private sealed class Version(byte[] body)
    {
        public byte[] Body => body;

        public List<string> Tags { get; } = [];

        public int SyncedTag { get; set; } = -1;

        public string NewTag(Random chance)
        {
            string number = Tags.Count.ToString(CultureInfo.InvariantCulture);
            Tags.Add(number.PadLeft(chance.Next(10, 30_000), '0'));
            return Tags[^1];
        }
    }
}
