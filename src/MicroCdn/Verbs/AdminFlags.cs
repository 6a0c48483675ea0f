using System.CommandLine;
using System.Net;
using MicroCdn.Gateway.Admin;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary>The flags of the door by which files are published over HTTP.</summary>
internal sealed class AdminFlags
{
    // No port; the flag is not said at all where the usual one counts.
    private const int Off = 0;

    private readonly Option<int?> _port = new("--admin-port")
    {
        Description = "The port of the page, the admin API and publishing by HTTP, with tokens, or 'off' for none; "
            + "8081 by default where HTTP is spoken.",
        HelpName = "PORT",
        CustomParser = result => Flags.Read<int>(
            result, "--admin-port", "a port from 1 to 65535, or 'off'", TryPortOrOff),
    };

    private readonly Option<IPAddress> _bind = new("--admin-bind")
    {
        Description = "The address for --admin-port; it is not encrypted.",
        DefaultValueFactory = _ => IPAddress.Loopback,
        HelpName = "ADDRESS",
        CustomParser = result =>
            Flags.Read<IPAddress>(result, "--admin-bind", "an IP address, such as 127.0.0.1", IPAddress.TryParse),
    };

    private readonly Option<ByteCount?> _most = Flags.Size("--upload-size", null,
        "The most that uploads by HTTP may take of the disk while they come; by default what it has.");

    private readonly Option<ByteCount?> _free = Flags.Size("--upload-free", new ByteCount(1L << 30),
        "What stays free of the disk: no upload by HTTP is taken that would leave less.");

    /// <summary>Adds the flags to a verb.</summary>
    public void AddTo(Command verb)
    {
        foreach (Option option in (Option[])[_port, _bind, _most, _free]) verb.Options.Add(option);
    }

    /// <summary>Reads the flags; null where there is no such door.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="state">The index's own folder.</param>
    /// <param name="usual">The port where none is named; null for none.</param>
    public AdminOptions? Read(ParseResult parsed, string state, int? usual) =>
        (parsed.GetValue(_port) ?? usual) is not { } port || port == Off ? null : new AdminOptions
        {
            Port = port,
            Bind = parsed.GetValue(_bind)!,
            State = state,
            Settings = () => Reading.Of(parsed)?.Shown ?? EffectiveSettings.Of(parsed),
            UploadBytes = parsed.GetValue(_most)?.Bytes ?? long.MaxValue,
            LeastFreeBytes = parsed.GetValue(_free)?.Bytes ?? 0,
        };

    private static bool TryPortOrOff(string text, out int port)
    {
        port = Off;
        return text == "off" || Flags.TryPort(text, out port);
    }
}
