using System.CommandLine;
using MicroCdn.Verbs;

namespace MicroCdn.Tests.Executable;

public sealed class AdminFlagsTests
{
    [Theory]
    [InlineData("", 8081)]
    [InlineData("--admin-port 9000", 9000)]
    [InlineData("--admin-port off", null)]
    public void The_door_for_publishing_is_where_it_is_said_to_be_and_can_be_shut(string line, int? port)
    {
        (ParseResult parsed, AdminFlags flags) = Parse(line);
        Assert.Empty(parsed.Errors);
        Assert.Equal(port, flags.Read(parsed, "state", AdminDoor.UsualPort)?.Port);
    }

    [Theory]
    [InlineData("--admin-port 0")]
    [InlineData("--admin-port none")]
    public void What_is_no_port_is_refused_with_what_would_be_one(string line) => Assert.Contains(
        "a port from 1 to 65535, or 'off'", Assert.Single(Parse(line).Parsed.Errors).Message, StringComparison.Ordinal);

    private static (ParseResult Parsed, AdminFlags Flags) Parse(string line)
    {
        RootCommand root = new();
        AdminFlags flags = new();
        flags.AddTo(root);
        return (root.Parse(line), flags);
    }
}
