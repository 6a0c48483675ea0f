using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>What a stored head allows, read once when it is stored or loaded, so that a hit parses nothing.</summary>
/// <remarks>
/// The age of a copy is the Age that it came with and the time since it was asked for: the way back is counted as
/// travelled, so that an age is never too small (RFC 9111, section 4.2.3). The apparent age, by the origin's Date, is
/// not used: that section leaves it to caches that distrust Age, and a wrong clock at the origin would make every copy
/// stale.
/// </remarks>
public sealed class CopyRules
{
    private bool _isDated;

    private CopyRules(StoredHead head, Directives directives) => (Head, Directives) = (head, directives);

    /// <summary>What was stored.</summary>
    public StoredHead Head { get; }

    /// <summary>What it says about caching.</summary>
    public Directives Directives { get; }

    /// <summary>How long it is fresh, in seconds (RFC 9111, section 4.2.1).</summary>
    public long Lifetime { get; private init; }

    /// <summary>True when the lifetime is guessed (RFC 9111, section 4.2.2).</summary>
    public bool IsGuessed { get; private init; }

    /// <summary>True when no use of it is allowed without asking the origin (RFC 9111, section 5.2.2.4).</summary>
    public bool AlwaysValidates => Directives.NoCache;

    /// <summary>True when it is never used stale, whatever happens to the origin (RFC 9111, sections 5.2.2.2, 5.2.2.8
    /// and 5.2.2.10).</summary>
    public bool NeverStale => Directives.MustRevalidate || Directives.ProxyRevalidate
        || Directives.SharedMaxAge is not null || Directives.NoCache;

    /// <summary>The entity tag; empty when there is none that is well-formed.</summary>
    public ReadOnlyMemory<byte> Tag { get; private init; }

    /// <summary>Last-Modified; null when there is none that is well-formed.</summary>
    public long? LastModified { get; private init; }

    /// <summary>Date; when the head came, where the origin gave none that is well-formed.</summary>
    public long Date { get; private init; }

    /// <summary>True when a tag or a date lets the origin answer 304.</summary>
    public bool HasValidator => !Tag.IsEmpty || LastModified is not null;

    /// <summary>The validator under which bytes from several responses are bytes of one representation (RFC 9110,
    /// sections 8.8.1 and 13.1.5): the strong tag, else a Last-Modified that had been over for a second when the
    /// response was made (section 8.8.2.2), as it is written; empty when there is none.</summary>
    public ReadOnlySpan<byte> StrongValidator => !Tag.IsEmpty
        ? EntityTag.IsStrong(Tag.Span) ? Tag.Span : default
        : _isDated && LastModified < Date ? Head.Fields.First("Last-Modified"u8) : default;

    /// <summary>Reads a head.</summary>
    public static CopyRules Of(StoredHead head, CachePolicy policy)
    {
        HeaderFields fields = head.Fields;
        Directives directives = Directives.Of(fields);
        long? dated = Fields.Date(fields, "Date"u8, head.ReceivedAt);
        long date = dated ?? head.ReceivedAt;
        long? modified = Fields.Date(fields, "Last-Modified"u8, head.ReceivedAt);
        (long lifetime, bool isGuessed) = LifetimeOf(head, directives, date, modified, policy);
        int tag = fields.IndexOf("ETag"u8);
        bool isTag = tag >= 0 && fields.IndexOf("ETag"u8, tag + 1) < 0 && EntityTag.IsOne(fields.ValueAt(tag));
        return new CopyRules(head, directives)
        {
            Lifetime = head.Status >= 400 ? Math.Min(lifetime, policy.MostErrorSeconds ?? lifetime) : lifetime,
            IsGuessed = isGuessed,
            Tag = isTag ? fields.ValueAt(tag).ToArray() : default,
            LastModified = modified,
            Date = date,
            _isDated = dated is not null,
        };
    }

    /// <summary>How it stands with its freshness.</summary>
    /// <param name="now">Seconds since 1970. A clock that was set back makes no copy younger than it came.</param>
    public Freshness At(long now) =>
        new(Head.AgeAtReceipt + Math.Max(now - Head.RequestedAt, Head.ReceivedAt - Head.RequestedAt), Lifetime);

    private static (long Lifetime, bool IsGuessed) LifetimeOf(StoredHead head, Directives directives, long date,
        long? modified, CachePolicy policy)
    {
        if ((directives.SharedMaxAge ?? directives.MaxAge) is { } explicitly) return (explicitly, false);
        if (!directives.IsTargeted && head.Fields.Has("Expires"u8))
        {
            // One that cannot be read is in the past (RFC 9111, section 5.3). It counts from the origin's own Date, so
            // that a clock that is wrong, but wrong in both, does no harm.
            long? expires = Fields.Date(head.Fields, "Expires"u8, head.ReceivedAt);
            return (Math.Clamp((expires ?? date) - date, 0, DeltaSeconds.Most), false);
        }
        bool mayGuess = StatusCodes.MayBeGuessed(head.Status) || directives.Public;
        long guess = mayGuess && modified < date ? (date - modified.Value) / 10 : 0;
        return (Math.Min(guess, policy.MostGuessedSeconds), true);
    }
}

/// <summary>How old a copy is, and how old it may become.</summary>
/// <param name="Age">In seconds (RFC 9111, section 4.2.3): what the Age field says.</param>
/// <param name="Lifetime">In seconds (RFC 9111, section 4.2.1).</param>
public readonly record struct Freshness(long Age, long Lifetime)
{
    /// <summary>True when it may be used without asking (RFC 9111, section 4.2).</summary>
    public bool IsFresh => Lifetime > Age;

    /// <summary>How long it stays fresh, in seconds; negative once it is stale (the <c>ttl</c> of RFC 9211, section
    /// 2.4).</summary>
    public long SecondsLeft => Lifetime - Age;
}
