using System.Text;
using MicroCdn.Network;
using MicroCdn.Protocol;
using MicroCdn.Records;
using Microsoft.Extensions.Logging;

namespace MicroCdn.Index.Publishing;

/// <summary>Takes tokens from operators, takes them back, and says what the one that somebody shows allows.</summary>
/// <remarks>The secret is made where it is needed and never comes here over the line protocol, which is not encrypted:
/// its hash does, and is of no use to who overhears it.</remarks>
public sealed partial class TokenDesk
{
    /// <summary>Most tokens: each has somebody who looks after it.</summary>
    public const int Most = 1_000;

    private readonly TokenTable _table;
    private readonly Scribe _scribe;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    internal TokenDesk(TokenTable table, Scribe scribe, TimeProvider time, ILogger logger) =>
        (_table, _scribe, _time, _logger) = (table, scribe, time, logger);

    /// <summary>True once the first token was made, be it that it was taken back since.</summary>
    public bool HasBegun => _table.HasBegun;

    /// <summary>True while this index may write tokens down; of several one may.</summary>
    public bool MayWrite => _scribe.Leads;

    /// <summary>What a token allows; null when it is none of ours. From any thread, waits for nothing.</summary>
    public TokenGrant? Check(AccessToken token) =>
        _table.Find(token.Id) is { } grant && grant.Fits(token.Hash) ? grant : null;

    /// <summary>What the token of a name allows; null when there is none. For who has proved by something else that it
    /// is theirs.</summary>
    public TokenGrant? Find(string id) => _table.Find(id);

    /// <summary>Writes down the first token, which allows everything.</summary>
    /// <returns>False when that is not possible now.</returns>
    public async Task<bool> AddFirstAsync(AccessToken token)
    {
        TokenGrant grant = new(token.Id, token.Hash, TokenGrant.Every, "", Now, "made at the first start");
        return await _scribe.WriteAsync((_, rows) =>
        {
            if (!_table.HasBegun) rows.AddRange([TokenTable.RowOf(grant), TokenTable.BegunRow]);
            return null;
        }).ConfigureAwait(false) is null;
    }

    internal static bool Knows(ReadOnlySpan<byte> verb) => verb.SequenceEqual("TOKEN_ADD"u8)
        || verb.SequenceEqual("TOKENS"u8) || verb.SequenceEqual("TOKEN_REMOVE"u8);

    internal WireError? Handle(ReadOnlySpan<byte> verb, Words words, Answer answer)
    {
        if (verb.SequenceEqual("TOKENS"u8)) return List(words, answer);
        if (_scribe.IsElsewhere(verb, answer, out WireError? error)) return error;
        if (verb.SequenceEqual("TOKEN_ADD"u8))
        {
            if (TokenGrant.Read(words) is not { Hash.IsNone: false } grant) return WireErrors.Malformed;
            _scribe.Write(answer, "ADDED", (_, rows) => Add(grant with { UnixSeconds = Now }, rows),
                () => LogAdded(_logger, grant.Id, TokenGrant.TextOf(grant.Scopes)));
            return null;
        }
        if (!words.Next(out ReadOnlySpan<byte> id) || !AccessToken.IsId(id) || !words.OnlyUnknownPairs())
        {
            return WireErrors.Malformed;
        }
        string name = Encoding.ASCII.GetString(id);
        _scribe.Write(answer, "REMOVED", (_, rows) => Remove(name, rows), () => LogRemoved(_logger, name));
        return null;
    }

    private long Now => _time.GetUtcNow().ToUnixTimeSeconds();

    private WireError? Add(TokenGrant grant, List<RecordRow> rows)
    {
        if (_table.Find(grant.Id) is not null) return WireErrors.Exists;
        if (_table.Count >= Most) return WireErrors.LimitReached;
        rows.Add(TokenTable.RowOf(grant));
        return null;
    }

    private WireError? Remove(string id, List<RecordRow> rows)
    {
        if (_table.Find(id) is null) return WireErrors.UnknownToken;
        rows.Add(new RecordRow((byte)BookKind.Token, TokenTable.KeyOf(id), null));
        return null;
    }

    private WireError? List(Words words, Answer answer)
    {
        if (!words.OnlyUnknownPairs()) return WireErrors.Malformed;
        LongAnswer told = new(answer);
        answer.SendList(told);
        foreach (TokenGrant grant in _table.All)
        {
            told.Say(Encoding.UTF8.GetBytes($"TOKEN {(grant with { Hash = FileDigest.None }).ToWords()}\n"));
        }
        told.Say("END\n"u8);
        told.End();
        return null;
    }

    [LoggerMessage(2060, LogLevel.Information, "token {Id} is added, for {Scopes}")]
    private static partial void LogAdded(ILogger logger, string id, string scopes);

    [LoggerMessage(2061, LogLevel.Information, "token {Id} is taken back")]
    private static partial void LogRemoved(ILogger logger, string id);
}
