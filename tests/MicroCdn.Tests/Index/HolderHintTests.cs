using System.Net;
using MicroCdn.Index;
using MicroCdn.Index.Publishing;
using MicroCdn.Protocol;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Index;

public sealed class HolderHintTests : IDisposable
{
    private static readonly ServerId Id = Names.Id("CS1");
    private static readonly KeyId Key = new(7);
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_server_whose_key_is_gone_is_not_remembered()
    {
        Remember(Key);
        Assert.Equal(ServerState.Unknown, Recall(key => key == Key)?.State);
        Assert.Null(Recall(_ => false));
        Remember(null);
        Assert.Equal(ServerState.Unknown, Recall(key => key is null)?.State);
        Assert.Null(Recall(key => key == Key));
    }

    [Fact]
    public void What_a_server_said_of_itself_is_remembered_but_for_what_it_pulls_from_elsewhere()
    {
        Remember(null);
        Server server = Recall(_ => true)!;
        Contact contact = server.Contact!;
        Assert.Equal((IPAddress.Parse("192.0.2.9"), 7001, 7002), (contact.Address, contact.TcpPort, contact.UdpPort));
        Assert.Equal(("https://cdn.example/x/", "Rack 7", 3L), (contact.Url, contact.Zone, contact.Incarnation));
        Assert.Empty(contact.Pulls);
    }

    [Fact]
    public void Nothing_is_written_while_nothing_changes()
    {
        (Catalog catalog, Fleet fleet) = World();
        HolderHint hint = HintOf(catalog, fleet, _ => true);
        hint.Read();
        hint.Write();
        Assert.False(File.Exists(_folder["holders"]));
    }

    [Fact]
    public void A_group_is_found_in_whatever_sequence_it_is_asked_for()
    {
        HolderTable table = new(1_000);
        for (int number = 0; number < 1_000; number++) table.Add(KeyOf(number), number);
        for (int number = 0; number < 1_000; number++) Assert.Equal(number, table.Find(KeyOf(number)));
        Random random = new(1);
        for (int time = 0; time < 5_000; time++)
        {
            int number = random.Next(1_100);
            for (int more = 0; more < random.Next(3); more++)
            {
                Assert.Equal(number + more < 1_000 ? number + more : -1, table.Find(KeyOf(number + more)));
            }
        }
        Assert.Equal(-1, new HolderTable(0).Find(KeyOf(1)));

        static ulong KeyOf(int number) => HolderTable.KeyOf($"{number}".Utf8(), Lists.Digest("x"));
    }

    // What an index writes where this server has what is published.
    private void Remember(KeyId? key)
    {
        (Catalog catalog, Fleet fleet) = World();
        Server server = fleet.Enlist(Id)!;
        catalog.Replace(server.Number, Lists.Digested(("a", 5, "x")));
        ServerFacts facts = new()
        {
            Url = "https://cdn.example/x/", Zone = "Rack 7", Incarnation = 3, Pulls = ["/pulled/"],
        };
        Contact contact = new(Id, IPAddress.Parse("192.0.2.9"), 7001, 7002, facts);
        Assert.Null(fleet.Take(server, new Claim(3, contact.Address, 7001) { Key = key }));
        fleet.Registered(server, contact);
        HintOf(catalog, fleet, _ => true).Write();
    }

    private Server? Recall(Predicate<KeyId?> takes)
    {
        (Catalog catalog, Fleet fleet) = World();
        HintOf(catalog, fleet, takes).Read();
        Server? server = fleet.Find(Id);
        Assert.Equal(server is null ? null : (5, "0"), catalog.Look("a", fleet.Servers));
        return server;
    }

    private (Catalog Catalog, Fleet Fleet) World()
    {
        Catalog catalog = new(7);
        catalog.Publish("a"u8, new PublishedName(1, new FileState(5, Lists.Digest("x"), 7), 0));
        return (catalog, new Fleet(_time));
    }

    private HolderHint HintOf(Catalog catalog, Fleet fleet, Predicate<KeyId?> takes) =>
        new(_folder["holders"], catalog, fleet, takes, _time, new LogBook());
}
