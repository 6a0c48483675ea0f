using System.CommandLine;
using MicroCdn.Protocol;
using MicroCdn.Records;
using MicroCdn.Records.Redis;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Verbs;

/// <summary>The flags that say where an index keeps what is published: its own folder, or a Redis that several
/// share.</summary>
internal sealed class StoreFlags
{
    private readonly Option<RedisAddress?> _store = new("--store")
    {
        Description = "A Redis or Valkey that several indexes share, redis://HOST[:PORT][/DB] or rediss:// for TLS; "
            + "with ?sentinel=NAME the hosts, separated by commas, are Sentinels. By default the index's own folder.",
        HelpName = "URL",
        CustomParser = result => Read(result, "--store"),
    };

    private readonly Option<string?> _password = Flags.Path(new Option<string?>("--store-password")
    {
        Description = "A file whose first line is the password for that Redis.", HelpName = "FILE",
    });

    private readonly Option<string?> _authority = Flags.Path(new Option<string?>("--store-ca")
    {
        Description = "A PEM file with the certificate of who signed that of Redis; by default the system's are taken.",
        HelpName = "FILE",
    });

    private readonly Option<string?> _advertise = Flags.Text("--advertise", "HOST",
        "The host name or address by which operators reach this index when it is the writer of several; by default "
        + "the address of --bind, or else the machine's name.",
        "a host name or address of at most 253 bytes", text => text.Length is > 0 and <= Limits.HostBytes);

    /// <summary>Adds the flags to a verb.</summary>
    public void AddTo(Command verb)
    {
        AddStoreTo(verb);
        verb.Options.Add(_advertise);
    }

    /// <summary>Adds those that say how a Redis is entered.</summary>
    public void AddAccessTo(Command verb)
    {
        verb.Options.Add(_password);
        verb.Options.Add(_authority);
    }

    /// <summary>Where this index is reached.</summary>
    public string ReadAdvertise(ParseResult parsed, System.Net.IPAddress bind) => parsed.GetValue(_advertise)
        ?? (bind.Equals(System.Net.IPAddress.Any) || bind.Equals(System.Net.IPAddress.IPv6Any)
            ? Environment.MachineName : bind.ToString());

    /// <summary>The store that is asked for.</summary>
    /// <exception cref="RecordStoreException">The password cannot be read.</exception>
    public IRecordStore Open(ParseResult parsed, string folder, TimeProvider time, ILoggerFactory loggers) =>
        parsed.GetValue(_store) is { } address
            ? Open(parsed, address, time, loggers) : SqliteRecordStore.Hold(folder);

    /// <summary>The store at an address.</summary>
    /// <exception cref="RecordStoreException">The password cannot be read.</exception>
    public RedisRecordStore Open(ParseResult parsed, RedisAddress address, TimeProvider time, ILoggerFactory loggers) =>
        new(address, new RedisCredentials(
            parsed.GetValue(_password) is { } file ? RedisCredentials.ReadPassword(file) : null,
            parsed.GetValue(_authority)), time, loggers.CreateLogger("records"));

    private static RedisAddress? Read(System.CommandLine.Parsing.ArgumentResult result, string name)
    {
        RedisAddress? address = RedisAddress.Parse(result.Tokens[0].Value, out string why);
        if (address is null) result.AddError($"{name}: {why}.");
        return address;
    }

    private void AddStoreTo(Command verb)
    {
        verb.Options.Add(_store);
        AddAccessTo(verb);
    }
}
