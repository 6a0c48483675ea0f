using MicroCdn.Client;
using MicroCdn.Content;
using MicroCdn.Doctor;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Tests.Executable.Api;

public sealed class KnownPlacesTests
{
    [Fact]
    public void What_an_index_calls_localhost_is_where_it_was_asked()
    {
        KnownPlaces known = Of(("port", "5051"), ("monitorHost", "localhost"), ("monitorTcpPort", "6002"),
            ("monitor", "10.0.0.6:6001 127.0.0.1:6003"));
        Assert.Equal(new IndexEndPoint("10.0.0.1", 5051), known.Index);
        Assert.Equal([new("10.0.0.1", 6002, 0), new MonitorAddress("10.0.0.6", 6001, 0),
            new("10.0.0.1", 6003, 0)], known.Monitors);
    }

    [Fact]
    public void Of_up_the_ports_alone_are_set_and_what_is_not_said_is_not_known()
    {
        KnownPlaces known = Of(("indexPort", "5052"), ("monitorTcpPort", "6004"), ("monitor", "none"));
        Assert.Equal(new IndexEndPoint("10.0.0.1", 5052), known.Index);
        Assert.Equal([new MonitorAddress("10.0.0.1", 6004, 0)], known.Monitors);
        known = Of(("port", "x"), ("monitorTcpPort", "99999"));
        Assert.Equal((null, 0), (known.Index, known.Monitors.Count));
    }

    private static KnownPlaces Of(params (string Key, string Value)[] settings) => KnownPlaces.Of(
        [.. settings.Select(one => new SettingView("index", one.Key, "", one.Value, "default", ""))], "10.0.0.1");
}
