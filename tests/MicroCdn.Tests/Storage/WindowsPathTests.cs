using MicroCdn.Storage;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Storage;

// Microsoft's "Naming Files, Paths, and Namespaces".
public sealed class WindowsPathTests
{
    [Theory]
    [InlineData("CON")]
    [InlineData("con")]
    [InlineData("game/nul")]
    [InlineData("game/NUL.txt")]
    [InlineData("NUL.tar.gz")]
    [InlineData("aux .txt")]
    [InlineData("COM1")]
    [InlineData("lpt9.log")]
    [InlineData("COM\u00B2")]
    [InlineData("prn/a.txt")]
    [InlineData("CONIN$")]
    [InlineData("a.txt.")]
    [InlineData("a.txt ")]
    [InlineData("folder./a.txt")]
    [InlineData("a...")]
    [InlineData("a.txt:stream")]
    [InlineData("C:\\a\\b:c")]
    [InlineData("a?")]
    [InlineData("a*b")]
    [InlineData("<a>")]
    [InlineData("a|b")]
    [InlineData("a\"b")]
    [InlineData("a\tb")]
    public void What_is_no_ordinary_file_there_is_refused_before_anything_is_written(string path)
    {
        Assert.False(WindowsPath.IsOrdinary(path));
        using TemporaryFolder folder = new();
        Ways.Play(OtherSystem.Windows);
        IOException refusal = Assert.Throws<IOException>(() => AtomicFile.Create($"{folder.Path}/{path}"));
        Assert.Contains("no ordinary file on Windows", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<IOException>(() => PartFile.Create($"{folder.Path}/{path}", 1));
        Assert.Throws<IOException>(() => PartFile.Open($"{folder.Path}/{path}", 1, 1, new byte[64]));
        Assert.Empty(folder.Names());
    }

    [Theory]
    [InlineData("\\\\.\\pipe\\a")]
    [InlineData("//./pipe/a")]
    public void A_device_is_no_file(string path) => Assert.False(WindowsPath.IsOrdinary(path));

    [Theory]
    [InlineData("a.txt")]
    [InlineData("C:\\Users\\a b\\.hidden")]
    [InlineData("C:a.txt")]
    [InlineData("../a/./b")]
    [InlineData("\\\\server\\share\\a")]
    [InlineData("\\\\?\\C:\\a")]
    [InlineData("console.txt")]
    [InlineData("null")]
    [InlineData("COM")]
    [InlineData("COM10")]
    [InlineData("a.con")]
    [InlineData("%20;,=+[]{}'~#&@\u00FC")]
    public void Everything_else_is_a_file(string path) => Assert.True(WindowsPath.IsOrdinary(path));
}
