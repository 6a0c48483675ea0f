using MicroCdn.Client;
using MicroCdn.Gateway.Admin;
using MicroCdn.Gateway.Api;
using MicroCdn.Index;
using MicroCdn.Network;
using MicroCdn.Storage;
using MicroCdn.Tests.HouseRules;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Microsoft.OpenApi;
using Microsoft.OpenApi.Reader;

namespace MicroCdn.Tests.Gateway.Api;

public sealed class OpenApiTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_description_that_is_kept_and_served_is_that_of_the_routes()
    {
        string text = new OpenApiText(Routes(), "1").Write();
        bool isSame = text == Repository.Text("docs/openapi.json");
        Assert.True(isSame, $"docs/openapi.json must hold:\n{text}");
    }

    [Fact]
    public void The_description_is_one_of_OpenAPI()
    {
        ReadResult read = OpenApiDocument.Parse(Repository.Text("docs/openapi.json"), "json");
        Assert.Empty(read.Diagnostic!.Errors.Select(error => error.Message));
        Assert.Equal(OpenApiSpecVersion.OpenApi3_1, read.Diagnostic.SpecificationVersion);
        Assert.Contains("/servers/{id}/drain", read.Document!.Paths.Keys);
    }

    [Fact]
    public void Every_route_is_in_the_table_of_the_document()
    {
        string page = Repository.Text("docs/admin.md");
        Assert.Empty(Routes().Where(route => route.Path != "/openapi.json").Where(route =>
            !page.Contains($"`{route.Method} {route.Path}`", StringComparison.Ordinal)
            && !page.Contains($"`/{route.Parts[^1]}`", StringComparison.Ordinal)).Select(route => route.Path));
    }

    private IReadOnlyList<ApiRoute> Routes()
    {
        FakeTimeProvider time = new();
        using IndexRole index = new(new IndexOptions(), new TcpDialer(time), time, new Random(1),
            NullLoggerFactory.Instance);
        ClientOptions options = new();
        Steering steering = new()
        {
            Publisher = new Publisher(options, null, new TcpDialer(time), time),
            Purger = new Purger("localhost", 1, null, new TcpDialer(time), time),
            Monitors = [], Version = "1", Chance = bytes => bytes.Clear(),
        };
        NullLogger log = NullLogger.Instance;
        Doorkeeper doorkeeper = new(index.Tokens, new Complaints(log, time), time);
        AuditLog audit = new(_folder.Path, time, log);
        Uploading uploading = new(
            UploadFolder.Open(_folder.Path, 1, 0, time), steering.Publisher, index.Directory, audit, log);
        Sessions sessions = new(new byte[32], index.Tokens, 1, time);
        return new AdminApi(index, steering, doorkeeper, sessions, uploading, audit, time, log).Paths.All;
    }
}
