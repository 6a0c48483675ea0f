using CsCheck;
using MicroCdn.Records;
using MicroCdn.Records.Redis;
using MicroCdn.Testing;

namespace MicroCdn.Tests.Records;

/// <summary>How an operator says where Redis is, and what he is told when it is not understood.</summary>
public sealed class RedisAddressTests
{
    [Theory]
    [InlineData("redis://one", "Unspecified/one:6379")]
    [InlineData("redis://10.0.0.1:7000/3", "10.0.0.1:7000")]
    [InlineData("rediss://[::1]:7000", "[::1]:7000")]
    [InlineData("redis://index@one?prefix=fleet-2", "Unspecified/one:6379")]
    [InlineData("redis://a,b:5000,[fd00::1]?sentinel=main", "Unspecified/a:26379 Unspecified/b:5000 [fd00::1]:26379")]
    public void A_URL_says_where_it_is(string text, string hosts)
    {
        RedisAddress? address = RedisAddress.Parse(text, out string why);
        Assert.Equal("", why);
        Assert.Equal(hosts, string.Join(' ', address!.Hosts.Select(host => host.ToString())));
        Assert.Equal(text, address.ToString());
    }

    [Fact]
    public void Behind_Sentinel_a_change_wants_one_replica_unless_it_is_said_otherwise()
    {
        Assert.Null(RedisAddress.Parse("redis://one", out _)!.Replicas);
        Assert.Equal(1, RedisAddress.Parse("redis://one?sentinel=main", out _)!.Replicas);
        Assert.Equal(0, RedisAddress.Parse("redis://one?sentinel=main&replicas=0", out _)!.Replicas);
        Assert.Equal(2, RedisAddress.Parse("redis://one/?replicas=2", out _)!.Replicas);
    }

    [Theory]
    [InlineData("one:6379", "it must begin with redis:// or rediss://")]
    [InlineData("http://one", "it must begin with redis:// or rediss://")]
    [InlineData("redis://", "a host is missing")]
    [InlineData("redis://a,,b?sentinel=main", "a host is missing")]
    [InlineData("redis://one:port", "'one:port' is no host or host:port")]
    [InlineData("redis://one:70000", "'one:70000' is no host or host:port")]
    [InlineData("redis://one:0", "'one:0' is no host or host:port")]
    [InlineData("redis://one/first", "'first' is no number of a database")]
    [InlineData("redis://a,b", "several hosts are Sentinels: add ?sentinel=NAME")]
    [InlineData("redis://one?sentinel=", "'' does not fit sentinel=")]
    [InlineData("redis://one?replicas=99", "'99' does not fit replicas=")]
    [InlineData("redis://one?prefix=a:b", "'a:b' does not fit prefix=")]
    [InlineData("redis://one?password=secret", "'password' is none of sentinel, replicas and prefix")]
    [InlineData("redis://user:secret@one",
        "a password does not belong in the URL, where everyone can read it: use a file")]
    [InlineData("redis://@one", "there is no user before the @")]
    public void A_URL_that_cannot_be_used_is_refused_with_the_reason(string text, string why)
    {
        Assert.Null(RedisAddress.Parse(text, out string told));
        Assert.Equal(why, told);
        Assert.DoesNotContain("secret", told, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_somebody_writes_is_read_or_refused() =>
        Gen.String[Gen.Char["a:@/?&=,%[].1-"], 0, 20].Sample(text =>
        {
            RedisAddress? address = RedisAddress.Parse($"redis://{text}", out string why);
            Assert.Equal(address is null, why != "");
            Assert.True(address is null || address.Hosts.Length > 0);
        });

    [Fact]
    public void A_password_is_the_first_line_of_a_file_that_not_everyone_may_read()
    {
        using TempFolder folder = new();
        string path = folder.Write("password", "secret\nmore\n"u8.ToArray());
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal("secret", RedisCredentials.ReadPassword(path));
        Assert.DoesNotContain("secret", new RedisCredentials("secret", null).ToString(), StringComparison.Ordinal);

        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.Contains("everyone may read it", Refusal(path), StringComparison.Ordinal);
        Assert.Contains("cannot be read", Refusal(folder["none"]), StringComparison.Ordinal);
        Assert.Contains("it is empty", Refusal(Private(folder.Write("empty", []))), StringComparison.Ordinal);
        string large = Private(folder.Write("large", new byte[2000]));
        Assert.Contains("larger than", Refusal(large), StringComparison.Ordinal);
    }

    [Fact]
    public void What_may_cost_changes_is_warned_of()
    {
        Assert.Empty(Warnings("always", ("aof_enabled", "1")));
        Assert.Empty(Warnings("everysec", ("aof_enabled", "1"), ("connected_slaves", "2")));
        Assert.Empty(Warnings("", []));
        Assert.Contains("set appendonly yes", Assert.Single(Warnings("always", ("aof_enabled", "0"))),
            StringComparison.Ordinal);
        Assert.Contains("set always", Assert.Single(Warnings("everysec", ("aof_enabled", "1"))),
            StringComparison.Ordinal);
        Assert.Contains("noeviction", Assert.Single(Warnings("always", ("aof_enabled", "1"), ("maxmemory", "100"),
            ("maxmemory_policy", "allkeys-lru"))), StringComparison.Ordinal);
    }

    private static string[] Warnings(string sync, params (string Name, string Value)[] info) =>
        [.. RedisFitness.Warnings(info.ToDictionary(pair => pair.Name, pair => pair.Value), sync)];

    private static string Private(string path)
    {
        File.SetUnixFileMode(path, UnixFileMode.UserRead);
        return path;
    }

    private static string Refusal(string path) =>
        Assert.Throws<RecordStoreException>(() => RedisCredentials.ReadPassword(path)).Message;
}
