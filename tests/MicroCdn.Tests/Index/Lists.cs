using MicroCdn.Index;
using MicroCdn.Protocol;
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

    /// <summary>The same with digests; an empty one is none, and a size below zero means that the file is
    /// gone.</summary>
    public static FileList Digested(params IEnumerable<(string Name, long Size, string Digest)> files)
    {
        FileList list = new();
        foreach ((string name, long size, string digest) in files)
        {
            if (size < 0) list.Remove(name.Utf8());
            else list.Add(name.Utf8(), new FileState(size, Digest(digest), digest.Length == 0 ? -1 : 7));
        }
        return list;
    }

    /// <summary>A digest that can be told from others by a word.</summary>
    public static FileDigest Digest(string word) => word.Length == 0 ? FileDigest.None
        : new FileDigest(System.Security.Cryptography.SHA256.HashData(word.Utf8()));

    public static Server[] Alive(int count) =>
        [.. Enumerable.Range(0, count).Select(n => new Server(Names.Id($"CS{n}"), n) { State = ServerState.Alive })];

    /// <summary>A file as a client would see it: its size and holders, or null when it is gone.</summary>
    public static (long Size, string Servers)? Look(this Catalog catalog, string name, Server[] servers)
    {
        Catalog.View view = catalog.Now;
        int number = view.Find(name.Utf8());
        if (number < 0) return null;
        ReadOnlySpan<ushort> holders = view.Holders(number, servers, out long size);
        return holders.IsEmpty ? null : (size, string.Join(',', holders.ToArray()));
    }

    /// <summary>The same with the digest.</summary>
    public static (long Size, FileDigest Digest, string Servers)? LookFully(
        this Catalog catalog, string name, Server[] servers)
    {
        Catalog.View view = catalog.Now;
        int number = view.Find(name.Utf8());
        if (number < 0) return null;
        ushort[] holders = view.Holders(number, servers, out FileState state);
        Assert.Equal(holders, view.Holders(number, servers, out long size).ToArray());
        Assert.Equal(size, state.Size);
        return holders.Length == 0 ? null : (size, state.Digest, string.Join(',', holders));
    }
}
