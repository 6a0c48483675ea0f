namespace MicroCdn;

/// <summary>Writes a few files for two content servers, so that there is something to download at once.</summary>
internal static class SampleFiles
{
    private const int BigBytes = 32 * 1024 * 1024;

    /// <summary>Writes what is missing, and returns one folder for each content server.</summary>
    public static string[] Write(string folder)
    {
        string[] folders = [Path.Combine(folder, "samples", "CS1"), Path.Combine(folder, "samples", "CS2")];
        for (int number = 0; number < folders.Length; number++)
        {
            Directory.CreateDirectory(Path.Combine(folders[number], "docs"));
            Put(folders[number], "hello.txt", "Hello from MicroCDN!\n"u8.ToArray());
            Put(folders[number], "docs/about.txt",
                "Both servers have this file, in a folder of its own.\n"u8.ToArray());
            Put(folders[number], $"only-on-CS{number + 1}.txt",
                System.Text.Encoding.UTF8.GetBytes($"Only CS{number + 1} has this file.\n"));
            Put(folders[number], "big.bin", Noise());
        }
        return folders;
    }

    // The same bytes on both servers, and no zeros that a disk would skip.
    private static byte[] Noise()
    {
        byte[] noise = new byte[BigBytes];
        new Random(1).NextBytes(noise);
        return noise;
    }

    private static void Put(string folder, string name, byte[] bytes)
    {
        string path = Path.Combine(folder, name);
        if (!File.Exists(path) || new FileInfo(path).Length != bytes.Length) File.WriteAllBytes(path, bytes);
    }
}
