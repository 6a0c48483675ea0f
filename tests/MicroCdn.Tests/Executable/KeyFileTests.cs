using MicroCdn.Keys;
using MicroCdn.Protocol;
using MicroCdn.Testing;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Executable;

public sealed class KeyFileTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly LogBook _log = new();
    private int _writes;

    private string Said => string.Join('\n', _log.Lines);

    private string File => Path.Combine(_folder.Path, "cluster.key");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_written_key_is_its_owner_s_alone_and_can_be_read_again()
    {
        KeyFile.Write(File, new Keyring(TestKeys.Usual, TestKeys.Other));
        Assert.Equal(Private, System.IO.File.GetUnixFileMode(File));
        Assert.Equal($"{TestKeys.Usual.ToLine()}\n{TestKeys.Other.ToLine()}\n", System.IO.File.ReadAllText(File));
        Assert.Equal(TestKeys.Usual.Id, KeyFile.Load(Choice()).First.Id);
        Assert.Single(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_key_is_never_overwritten()
    {
        System.IO.File.WriteAllText(File, "mine");
        Assert.Throws<UnusableKeyFileException>(() => KeyFile.Write(File, new Keyring(TestKeys.Usual)));
        Assert.Equal("mine", System.IO.File.ReadAllText(File));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void A_file_that_is_open_to_others_is_refused_with_the_command_that_fixes_it(UnixFileMode mode)
    {
        Write(TestKeys.Usual.ToLine(), Private | mode);
        var refusal = Assert.ThrowsAny<UnusableKeyFileException>(() => Open());
        Assert.EndsWith($": chmod 600 {File}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_systemd_hands_over_may_show_its_access_list_as_the_group_s_bit()
    {
        Write(TestKeys.Usual.ToLine(), UnixFileMode.UserRead | UnixFileMode.GroupRead);
        using KeyFile file = KeyFile.Open(Choice() with { IsCredential = true }, _time, _log)!;
        Assert.Equal(AuthMode.Required, file.Credentials.Mode);
    }

    [Fact]
    public void A_changed_file_is_read_again_and_a_bad_one_leaves_the_keys_before()
    {
        Write(TestKeys.Usual.ToLine());
        using KeyFile file = Open();
        Write($"{TestKeys.Other.ToLine()}\n{TestKeys.Usual.ToLine()}");
        Pass();
        Assert.Equal(TestKeys.Other.Id, file.Credentials.Keys!.First.Id);
        Write("microcdn-key-1:secret");
        Pass();
        Assert.Equal(TestKeys.Other.Id, file.Credentials.Keys!.First.Id);
        Assert.Contains($"the keys before stay in use: the key file '{File}' cannot be used: line 1 is no key", Said,
            StringComparison.Ordinal);
        System.IO.File.Delete(File);
        Pass();
        Write(TestKeys.Usual.ToLine());
        Pass();
        Assert.Equal(TestKeys.Usual.Id, file.Credentials.Keys!.First.Id);
        Assert.DoesNotContain("secret", Said, StringComparison.Ordinal);
        Assert.DoesNotContain(TestKeys.Usual.ToLine()[15..], Said, StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_file_whose_mode_is_put_right_is_taken_then()
    {
        Write(TestKeys.Usual.ToLine());
        using KeyFile file = Open();
        Write(TestKeys.Other.ToLine(), Private | UnixFileMode.OtherRead);
        for (int n = 0; n < 5; n++) Pass();
        Assert.Equal(TestKeys.Usual.Id, file.Credentials.Keys!.First.Id);
        Assert.Single(Said.Split('\n'), line => line.Contains("chmod 600", StringComparison.Ordinal));
        System.IO.File.SetUnixFileMode(File, Private);
        Pass();
        Assert.Equal(TestKeys.Other.Id, file.Credentials.Keys!.First.Id);
    }

    [Fact]
    public void Proof_without_a_key_is_no_setting_and_off_needs_no_file()
    {
        var refusal = Assert.Throws<UnusableKeyFileException>(
            () => KeyFile.Open(new KeyChoice(null, false, AuthMode.Required), _time, _log));
        Assert.Contains("'microcdn key new'", refusal.Message, StringComparison.Ordinal);
        Assert.Null(KeyFile.Open(new KeyChoice(null, false, null), _time, _log));
        Assert.Null(KeyFile.Open(new KeyChoice("missing", false, AuthMode.Off), _time, _log));
        Assert.Throws<UnusableKeyFileException>(() => KeyFile.Open(new KeyChoice("missing", false, null), _time, _log));
    }

    [Fact]
    public void An_operator_is_proved_by_the_cluster_key_or_by_one_of_its_own()
    {
        Write(TestKeys.Usual.ToLine());
        Assert.Equal("operator", KeyFile.Operator(Choice())!.Id.Value);
        ServerId.TryCreate("alice", out ServerId alice);
        Write(TestKeys.Usual.For(PeerRole.Operator, alice).ToLine());
        Assert.Equal(alice, KeyFile.Operator(Choice())!.Id);
        Write(TestKeys.Usual.For(PeerRole.Content, alice).ToLine());
        Assert.Throws<UnusableKeyFileException>(() => KeyFile.Operator(Choice()));
        Assert.Null(KeyFile.Operator(new KeyChoice(null, false, null)));
    }

    private KeyChoice Choice() => new(File, false, null);

    private KeyFile Open() => KeyFile.Open(Choice(), _time, _log)!;

    private void Pass() => _time.Advance(TimeSpan.FromSeconds(1));

    // Each state has a time of its own, as files that people write have.
    private void Write(string text, UnixFileMode mode = Private)
    {
        System.IO.File.WriteAllText(File, text);
        System.IO.File.SetUnixFileMode(File, mode);
        System.IO.File.SetLastWriteTimeUtc(File, new DateTime(2026, 1, 1).AddSeconds(_writes++));
    }
}
