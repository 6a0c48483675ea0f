using System.Globalization;
using StackExchange.Redis;

namespace MicroCdn.Records.Redis;

/// <summary>Which snapshot counts: <c>1 NUMBER CHECK PARTS KEY</c>.</summary>
/// <param name="Change">The last change that it contains.</param>
/// <param name="Parts">How many parts it has.</param>
/// <param name="Key">The hash that holds them.</param>
internal sealed record SnapshotPointer(KnownChange Change, int Parts, string Key)
{
    private const string Format = "1";

    /// <summary>The one that counts now, or null.</summary>
    /// <exception cref="RecordStoreException">What stands there is none.</exception>
    public static async Task<SnapshotPointer?> FindAsync(RedisLink link, CancellationToken cancellationToken)
    {
        string? text = await link.AskAsync(database => database.StringGetAsync(link.Keys.Snapshot,
            CommandFlags.DemandMaster), cancellationToken).ConfigureAwait(false);
        if (text is null) return null;
        return TryParse(text, link.Keys, out SnapshotPointer? pointer)
            ? pointer
            : throw new RecordStoreException($"{link.Keys.Snapshot} on Redis is nothing that this version wrote");
    }

    /// <summary>Where a part belongs.</summary>
    public BlockPlace PlaceOf(int part) => new(Change.Check, Change.Number, -1 - part);

    /// <summary>As it stands in Redis.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Format} {Change.Number} {Change.Check:x16} {Parts} {Key}");

    private static bool TryParse(string text, RedisKeys keys, out SnapshotPointer? pointer)
    {
        pointer = null;
        string[] words = text.Split(' ');
        CultureInfo culture = CultureInfo.InvariantCulture;
        if (words.Length != 5 || words[0] != Format) return false;
        if (!long.TryParse(words[1], NumberStyles.None, culture, out long number)) return false;
        if (!ulong.TryParse(words[2], NumberStyles.AllowHexSpecifier, culture, out ulong check)) return false;
        if (!int.TryParse(words[3], NumberStyles.None, culture, out int parts)) return false;
        if (!words[4].StartsWith($"{keys.Snapshot}:", StringComparison.Ordinal)) return false;
        pointer = new SnapshotPointer(new KnownChange(number, check), parts, words[4]);
        return true;
    }
}
