namespace MicroCdn.Bench;

/// <summary>A file to download, with how many connections ask for it at once.</summary>
internal sealed record SampleFile(string Name, string Label, long Size, int Connections)
{
    public static readonly SampleFile OneKibibyte = new("one-kib.bin", "1 KiB", 1 << 10, 64);

    public static readonly SampleFile SixteenKibibytes = new("sixteen-kib.bin", "16 KiB", 16 << 10, 64);

    public static readonly SampleFile TenMebibytes = new("ten-mib.bin", "10 MiB", 10 << 20, 8);

    public static readonly SampleFile OneGibibyte = new("one-gib.bin", "1 GiB", 1 << 30, 2);

    private const int Piece = 1 << 20;

    /// <summary>How the client takes the bytes, in a table's words.</summary>
    public string Client { get; init; } = "discarding";

    /// <summary>Writes the file in full, waits for the disk, and reads it: its pages are cached and clean.</summary>
    public void Write(string folder)
    {
        byte[] bytes = new byte[Math.Min(Size, Piece)];
        if (Size <= Piece) new Random(1).NextBytes(bytes);
        string path = Path.Combine(folder, Name);
        using FileStream file = new(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        for (long written = 0; written < Size; written += bytes.Length) file.Write(bytes);
        Libc.Check(Libc.Sync((int)file.SafeFileHandle.DangerousGetHandle()), "fsync");
        file.Position = 0;
        while (file.Read(bytes) > 0) continue;
    }

    /// <summary>Whether a server of the line protocol gives the first bytes of the file as they are.</summary>
    public void Verify(string folder, int port)
    {
        byte[] right = new byte[(int)Math.Min(Size, Piece)], got = new byte[right.Length];
        using FileStream file = new(Path.Combine(folder, Name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.ReadExactly(right);
        using Conversation conversation = new(port);
        conversation.Demand($"GET {Name}", $"OK {Size}");
        conversation.ReadBytes(got);
        if (!got.AsSpan().SequenceEqual(right)) throw new BenchException($"The server sent wrong bytes for {Name}.");
    }
}
