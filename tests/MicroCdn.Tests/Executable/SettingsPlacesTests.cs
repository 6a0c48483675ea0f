using System.CommandLine;
using System.Net;
using MicroCdn.Client;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Settings;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Executable;

/// <summary>Flags count more than the environment, that more than microcdn.json, that more than /etc, that more than
/// defaults.</summary>
public sealed class SettingsPlacesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string> _variables = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_layer_counts_more_than_the_one_below_it()
    {
        const string line = "content --server-id CS1";
        Assert.Equal(("none", "default"), Effective(line, "httpPort"));
        _folder.Write("etc.json", """{"httpPort": 1001}""");
        Assert.Equal(("1001", _folder["etc.json"]), Effective(line, "httpPort"));
        _folder.Write("near.json", """{"content": {"httpPort": 1002}}""");
        Assert.Equal(("1002", _folder["near.json"]), Effective(line, "httpPort"));
        string named = _folder.Write("named.json", """{"httpPort": 1003}""");
        Assert.Equal(("1003", named), Effective($"{line} --config {named}", "httpPort"));
        _variables["MICROCDN__httpPort"] = "1004";
        Assert.Equal(("1004", "environment"), Effective($"{line} --config {named}", "httpPort"));
        Assert.Equal(("1005", "command line"), Effective($"{line} --config {named} --http-port 1005", "httpPort"));
    }

    [Fact]
    public void The_named_file_takes_the_place_of_the_near_one_and_not_of_that_of_the_machine()
    {
        _folder.Write("near.json", """{"tcpPort": 1, "httpPort": 2}""");
        _folder.Write("etc.json", """{"tcpPort": 3, "udpPort": 4}""");
        string named = _folder.Write("named.json", """{"bind": "10.0.0.1"}""");
        string line = $"content --server-id CS1 --config {named}";
        Assert.Equal("3", Effective(line, "tcpPort").Value);
        Assert.Equal("none", Effective(line, "httpPort").Value);
        Assert.Equal("4", Effective(line, "udpPort").Value);
        Assert.Equal("10.0.0.1", Effective(line, "bind").Value);
    }

    [Fact]
    public void A_list_or_a_switch_of_a_stronger_layer_replaces_the_weaker_one_wholly()
    {
        _folder.Write("etc.json", """{"trust": ["10.0.0.0/8", "192.168.0.0/16"], "listings": true, "cors": ["*"]}""");
        _folder.Write("near.json", """{"trust": "172.16.0.0/12", "listings": false, "cors": []}""");
        ParseResult parsed = Read("content --server-id CS1").Parsed;
        Assert.Equal([IPNetwork.Parse("172.16.0.0/12")], parsed.GetValue<IPNetwork[]>("--trust")!);
        Assert.False(parsed.GetValue<bool>("--listings"));
        Assert.Empty(parsed.GetValue<string[]>("--cors")!);
        Assert.Equal(("off", _folder["near.json"]), Effective("content --server-id CS1", "listings"));
    }

    [Theory]
    [InlineData("MICROCDN__httpPort=7003", "httpPort", "7003")]
    [InlineData("MICROCDN__HTTPPORT=7003", "httpPort", "7003")]
    [InlineData("microcdn__httpport=7003", "httpPort", "7003")]
    [InlineData("MICROCDN__content__httpPort=7003 MICROCDN__httpPort=1", "httpPort", "7003")]
    [InlineData("MICROCDN__CONTENT__HTTPPORT=7003", "httpPort", "7003")]
    [InlineData("MICROCDN__monitor__tcpPort=1", "tcpPort", "7001")]
    [InlineData("MICROCDN__listings=true", "listings", "on")]
    [InlineData("MICROCDN__listings=False", "listings", "off")]
    [InlineData("MICROCDN__trust=10.0.0.0/8", "trust", "10.0.0.0/8")]
    [InlineData("MICROCDN__trust__0=10.0.0.0/8 MICROCDN__trust__10=10.2.0.0/16 MICROCDN__trust__2=10.1.0.0/16", "trust",
        "10.0.0.0/8 10.1.0.0/16 10.2.0.0/16")]
    [InlineData("MICROCDN__cacheControl__0=/a/=no-store", "cacheControl", "/a/=no-store")]
    [InlineData("MICROCDN__httpPort=", "httpPort", "none")]
    [InlineData("MICROCDN_PORT=tcp://10.0.0.1:80", "httpPort", "none")]
    [InlineData("MICROCDN_HTTPPORT=1", "httpPort", "none")]
    public void The_environment_gives_what_a_file_would(string variables, string key, string value)
    {
        Set(variables);
        Assert.Equal(value, Effective("content --server-id CS1", key).Value);
    }

    [Theory]
    [InlineData("MICROCDN__htpPort=1",
        "environment: unknown variable MICROCDN__htpPort; did you mean 'MICROCDN__httpPort'?")]
    [InlineData("MICROCDN__content__htpPort=1",
        "environment: unknown variable MICROCDN__content__htpPort; did you mean 'MICROCDN__content__httpPort'?")]
    [InlineData("MICROCDN__contnet__httpPort=1", "environment: unknown variable MICROCDN__contnet__httpPort.")]
    [InlineData("MICROCDN__httpPort=1 MICROCDN__HTTPPORT=2",
        "environment: variable MICROCDN__httpPort stands there twice.")]
    [InlineData("MICROCDN__trust=10.0.0.0/8 MICROCDN__trust__0=10.0.0.0/8",
        "environment: variable MICROCDN__trust stands there twice.")]
    [InlineData("MICROCDN__content=1", "environment: MICROCDN__content must be an object { }.")]
    [InlineData("MICROCDN__listings=yes", "environment: variable MICROCDN__listings wants true or false.")]
    [InlineData("MICROCDN__=1", "environment: unknown variable MICROCDN__.")]
    public void A_variable_that_is_no_setting_is_one_sentence(string variables, string sentence)
    {
        Set(variables);
        Assert.Equal(sentence, Assert.Throws<SettingsException>(() => Read("content --server-id CS1")).Message);
    }

    [Fact]
    public void A_wrong_value_is_blamed_on_the_variable()
    {
        Set("MICROCDN__content__httpPort=70000");
        Assert.Equal("environment: variable MICROCDN__content__httpPort: --http-port wants a port from 1 to 65535, not "
            + "'70000'.", Read("content --server-id CS1").Wrong);
    }

    [Fact]
    public void What_asks_a_network_is_told_which_one_by_the_section_client()
    {
        _folder.Write("etc.json", """
            {
              "indexHost": "all", "content": {"indexHost": "servers"},
              "client": {"indexHost": "clients", "keyFile": "/k"}
            }
            """);
        Assert.Equal("clients", Read("status").Parsed.GetValue<string>("--index-host"));
        Assert.Equal("/k", Read("server retire CS1").Parsed.GetValue<string>("--key-file"));
        Assert.Equal("servers", Read("content --server-id CS1").Parsed.GetValue<string>("--index-host"));
        Assert.Equal("typed", Read("status --index-host typed").Parsed.GetValue<string>("--index-host"));
    }

    [Fact]
    public void A_list_of_indexes_does_not_stand_instead_of_one_that_is_typed()
    {
        _folder.Write("etc.json", """{"client": {"index": ["10.0.0.1:5050", "10.0.0.2:5050"]}}""");
        Assert.Equal(2, Read("status").Parsed.GetValue<IndexEndPoint[]>("--index")!.Length);
        Assert.Empty(Read("status --index-port 6050").Parsed.GetValue<IndexEndPoint[]>("--index")!);
    }

    [Fact]
    public void Who_asks_a_network_obeys_no_file_of_the_folder_that_he_is_in()
    {
        _folder.Write("near.json",
            """{"client": {"indexHost": "evil", "admin": "http://evil", "tokenFile": "/mine"}}""");
        Assert.Equal("localhost", Read("status").Parsed.GetValue<string>("--index-host"));
        Assert.Null(Read("top").Parsed.GetValue<string>("--token-file"));
    }

    [Theory]
    [InlineData("config check")]
    [InlineData("config schema")]
    [InlineData("completion bash")]
    [InlineData("health")]
    [InlineData("key links")]
    public void What_repairs_settings_is_not_stopped_by_bad_ones(string line)
    {
        _folder.Write("near.json", "{");
        _folder.Write("etc.json", "{");
        Assert.Null(Read(line).Wrong);
    }

    [Fact]
    public void A_stronger_one_of_two_that_exclude_one_another_ends_the_other()
    {
        _folder.Write("etc.json", """{"queryKeep": ["a"]}""");
        Reading read = Read("content --origin http://o --http-port 1 --query-drop b");
        Assert.Null(read.Wrong);
        Assert.Empty(read.Parsed.GetValue<string[]>("--query-keep")!);
    }

    [Fact]
    public void What_is_done_beside_an_index_knows_its_folder()
    {
        _folder.Write("near.json", """{"index": {"data": "/srv/index", "httpPort": 8080}}""");
        Assert.Equal("/srv/index", Read("index check").Parsed.GetValue<string>("--data"));
    }

    [Theory]
    [InlineData("--version")]
    [InlineData("--help")]
    [InlineData("content --help")]
    public void Who_asks_what_this_is_needs_no_settings(string line)
    {
        _folder.Write("near.json", "{");
        Assert.Null(Read(line).Wrong);
    }

    private (string Value, string Source) Effective(string line, string key)
    {
        Reading read = Read(line);
        Assert.Null(read.Wrong);
        SettingView view = EffectiveSettings.Of(read.Parsed).Single(one => one.Key == key);
        return (view.Value, view.Source);
    }

    private void Set(string variables)
    {
        foreach (string variable in variables.Split(' '))
        {
            string[] parts = variable.Split('=', 2);
            _variables[parts[0]] = parts[1];
        }
    }

    private Reading Read(string line) => CommandLine.Read(CommandLine.CreateRoot(), line.Split(' '),
        new SettingsPlaces(_variables, _folder["near.json"], _folder["etc.json"]));
}
