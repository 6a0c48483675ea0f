using StackExchange.Redis;

namespace MicroCdn.Records.Redis;

/// <summary>What our keys are called, and what each holds.</summary>
internal sealed class RedisKeys(string prefix)
{
    public string Log { get; } = $"{prefix}:log";

    public string Snapshot { get; } = $"{prefix}:snapshot";

    public string Writer { get; } = $"{prefix}:writer";

    public string Lease { get; } = $"{prefix}:lease";

    public string News { get; } = $"{prefix}:news";

    public IEnumerable<(string Key, RedisType Type)> Types =>
    [
        (Log, RedisType.Stream), (Snapshot, RedisType.String), (Writer, RedisType.Hash), (Lease, RedisType.String),
    ];

    public string Parts(long number, string token) => $"{Snapshot}:{number}-{token}";
}

/// <summary>A change that is known, and by its check all that came before it.</summary>
internal readonly record struct KnownChange(long Number, ulong Check);
