using System.Net;
using MicroCdn.Gateway.Api;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Gateway.Api;

public sealed class AuditLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly LogBook _log = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Who_changed_what_is_known_after_a_restart_also_when_the_last_line_is_torn()
    {
        Add(Open(), "DELETE /a");
        string path = Path.Combine(_folder.Path, AuditLog.FileName);
        File.AppendAllText(path, "{\"time\":\"20");
        AuditLog log = Open();
        Add(log, "DELETE /b");
        Assert.Equal(["DELETE /b", "DELETE /a"], log.Newest.Select(one => one.Action));
        Assert.Equal(["DELETE /b", "DELETE /a"], Open().Newest.Select(one => one.Action));
    }

    [Fact]
    public void A_line_stays_a_line_whatever_stands_in_a_path()
    {
        Add(Open(), "PUT /a\n{\"time\":\"2026\"}");
        Assert.Equal("PUT /a\n{\"time\":\"2026\"}", Assert.Single(Open().Newest).Action);
    }

    [Fact]
    public void The_file_begins_anew_when_it_is_long_and_the_one_before_is_kept()
    {
        string path = Path.Combine(_folder.Path, AuditLog.FileName);
        File.WriteAllText(path, new string('x', (int)AuditLog.MostBytes) + "\n");
        Add(Open(), "DELETE /a");
        Assert.True(new FileInfo(path).Length < 1_000);
        Assert.True(File.Exists($"{path}.1"));
        Assert.Equal("DELETE /a", Assert.Single(Open().Newest).Action);
    }

    [Fact]
    public void A_disk_that_refuses_keeps_nobody_from_a_change_and_is_told_once()
    {
        AuditLog log = Open();
        Directory.CreateDirectory(Path.Combine(_folder.Path, AuditLog.FileName));
        Add(log, "DELETE /a");
        Add(log, "DELETE /b");
        Assert.Equal(2, log.Newest.Length);
        Assert.Single(_log.Lines, line => line.Contains("cannot be written", StringComparison.Ordinal));
    }

    private AuditLog Open() => new(_folder.Path, _time, _log);

    private static void Add(AuditLog log, string action) =>
        log.Add("abc", IPAddress.Loopback, action, 200, "done");
}
