using System.Text;
using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>A folder is published as far as that makes sense.</summary>
public sealed class FolderPublisherTests
{
    private const int Files = 500;

    [Theory]
    [InlineData(null, CdnFailure.Unreachable), InlineData("ERROR UNAVAILABLE", CdnFailure.Unreachable)]
    [InlineData("ERROR RELEASE_ACTIVE", CdnFailure.Refused)]
    public Task What_would_fail_for_all_files_ends_it_before_all_are_read(string? answer, CdnFailure failure) =>
        FakeCluster.RunAsync(1, async cluster =>
        {
            int opened = 0;
            FakeHost index = cluster.Network.Host("index");
            index.Listen(FakeCluster.IndexPort, async (connection, token) =>
            {
                while (await connection.ReadLineAsync(token) is { } line)
                {
                    string verb = Encoding.UTF8.GetString(line.Span).Split(' ')[0];
                    if (verb == "PLACE" && answer is null) _ = Task.Run(index.Crash, CancellationToken.None);
                    string? said = verb switch
                    {
                        "HELLO" => "WELCOME MICRO-CDN 2",
                        "PLACE" => answer,
                        _ => "END",
                    };
                    if (said is not null) await connection.SendAsync(Encoding.UTF8.GetBytes($"{said}\n"), token);
                }
            });
            LocalFile[] files = [.. Enumerable.Range(0, Files).Select(n => new LocalFile(NameOf($"{n}"), () =>
            {
                Interlocked.Increment(ref opened);
                return new MemoryStream(new byte[100]);
            }, 100, 1))];
            FakeHost machine = cluster.Network.Host("client");
            Publisher publisher = new(new ClientOptions { IndexHost = "index" }, null, machine.Dialer, machine.Time);
            Task<IReadOnlyList<(FileName Name, CdnException Why)>> work = Task.Run(() => new FolderPublisher(publisher).RunAsync(
                files, new FolderOptions("", new PutOptions()), null, null, CancellationToken.None));
            CdnException why = await Assert.ThrowsAsync<CdnException>(
                () => cluster.World.ResultAsync(work, "it ends", TimeSpan.FromMinutes(5)));
            Assert.Equal(failure, why.Failure);
            Assert.InRange(opened, 1, Files / 2);
        });

    [Fact]
    public Task A_removal_that_is_refused_for_all_is_not_told_as_one_that_happened() =>
        FakeCluster.RunAsync(1, async cluster =>
        {
            cluster.Network.Host("index").Listen(FakeCluster.IndexPort, async (connection, token) =>
            {
                while (await connection.ReadLineAsync(token) is { } line)
                {
                    string said = Encoding.UTF8.GetString(line.Span).Split(' ')[0] switch
                    {
                        "HELLO" => "WELCOME MICRO-CDN 2",
                        "PUBLISHED" => $"NAME old 5 1 sha256={new string('a', 64)}\nEND",
                        "REMOVE" => "ERROR RELEASE_FULL",
                        _ => "END",
                    };
                    await connection.SendAsync(Encoding.UTF8.GetBytes($"{said}\n"), token);
                }
            });
            FakeHost machine = cluster.Network.Host("client");
            Publisher publisher = new(new ClientOptions { IndexHost = "index" }, null, machine.Dialer, machine.Time);
            List<FolderStep> told = [];
            Task<IReadOnlyList<(FileName Name, CdnException Why)>> work = Task.Run(() => new FolderPublisher(publisher).RunAsync(
                [], new FolderOptions("", new PutOptions()) { Deletes = true }, told.Add, null, CancellationToken.None));
            CdnException why = await Assert.ThrowsAsync<CdnException>(
                () => cluster.World.ResultAsync(work, "it ends", TimeSpan.FromMinutes(5)));
            Assert.Equal(CdnFailure.Refused, why.Failure);
            Assert.Empty(told);
        });

    private static FileName NameOf(string name) => FileName.TryCreate(name, out FileName file) ? file : default;
}
