using MicroCdn.Index;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Index;

/// <summary>Short ways to write down lists of files and fleets.</summary>
internal static class Lists
{
    public static FileList Of(params IEnumerable<(string Name, long Size)> files)
    {
        FileList list = new();
        foreach ((string name, long size) in files) list.Add(name.Utf8(), size);
        return list;
    }

    public static Server[] Alive(int count) =>
        [.. Enumerable.Range(0, count).Select(n => new Server(Names.Id($"CS{n}"), n) { IsAlive = true })];

    /// <summary>A file as a client would see it: its size and holders, or null when it is gone.</summary>
    public static (long Size, string Servers)? Look(this Catalog catalog, string name, Server[] servers)
    {
        Catalog.View view = catalog.Now;
        int number = view.Find(name.Utf8());
        if (number < 0) return null;
        ReadOnlySpan<ushort> holders = view.Holders(number, servers, out long size);
        return holders.IsEmpty ? null : (size, string.Join(',', holders.ToArray()));
    }
}
