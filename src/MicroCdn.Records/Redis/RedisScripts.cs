namespace MicroCdn.Records.Redis;

/// <summary>The steps that Redis takes as one: whoever is refused by a script has changed nothing.</summary>
/// <remarks>Each answers with a word first. Numbers stay text where they only pass through: Lua's are doubles. A script
/// that writes (to tell others is to write) does so even when its work was done before, so that WAIT has something to
/// wait for.</remarks>
internal static class RedisScripts
{
    // The place of a change that is not there: number 0, check 0.
    private const string Last = """
        local function last(log)
          local entry = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
          if not entry then return '0', string.rep('\0', 8) end
          local number = string.match(entry[1], '^(%d+)%-0$')
          if not number or entry[2][3] ~= 'rows' then return nil, entry[1] end
          return number, string.sub(entry[2][4], -8)
        end
        local function replicas()
          local _, online = string.gsub(redis.call('INFO', 'replication'), 'state=online', '')
          return online
        end

        """;

    /// <summary>Writes one change. Keys: log, snapshot, writer. Arguments: token, number, number before, its check, the
    /// block, epoch, channel, replicas that are wanted.</summary>
    public const string Commit = Last + """
        local id = ARGV[2] .. '-0'
        local mine = redis.call('XRANGE', KEYS[1], id, id)[1]
        if mine and mine[2][3] == 'rows' and string.sub(mine[2][4], -8) == string.sub(ARGV[5], -8) then
          redis.call('PUBLISH', ARGV[7], ARGV[2])
          return {'ok', replicas()}
        end
        if redis.call('HGET', KEYS[3], 'token') ~= ARGV[1] then
          return {'lost', redis.call('HGET', KEYS[3], 'address') or ''}
        end
        local number, check = last(KEYS[1])
        if not number then return {'foreign', check} end
        if number ~= ARGV[3] or check ~= ARGV[4] then return {'other', number} end
        if number == '0' and redis.call('EXISTS', KEYS[2]) == 1 then return {'broken'} end
        if replicas() < tonumber(ARGV[8]) then return {'few', replicas()} end
        redis.call('XADD', KEYS[1], id, 'by', ARGV[6], 'rows', ARGV[5])
        redis.call('PUBLISH', ARGV[7], ARGV[2])
        return {'ok', replicas()}
        """;

    /// <summary>What is behind a change. Keys: log. Arguments: the change's number, bytes that are enough.</summary>
    public const string Follow = """
        local check = string.rep('\0', 8)
        local from = ARGV[1] .. '-0'
        if ARGV[1] ~= '0' then
          local known = redis.call('XRANGE', KEYS[1], from, from)[1]
          if not known then return {'gone'} end
          if known[2][3] ~= 'rows' then return {'foreign', known[1]} end
          check = string.sub(known[2][4], -8)
        end
        local found, bytes = {}, 0
        while bytes < tonumber(ARGV[2]) and #found < 512 do
          local entry = redis.call('XRANGE', KEYS[1], '(' .. from, '+', 'COUNT', 1)[1]
          if not entry then break end
          if entry[2][1] ~= 'by' or entry[2][3] ~= 'rows' or entry[2][5] then return {'foreign', entry[1]} end
          from = entry[1]
          bytes = bytes + 64 + #entry[2][4]
          found[#found + 1] = {from, entry[2][2], entry[2][4]}
        end
        return {'ok', check, found}
        """;

    /// <summary>Becomes the writer, unless another one is. Keys: log, writer, lease. Arguments: token, address,
    /// milliseconds, replicas that are wanted.</summary>
    public const string Claim = Last + """
        local holder = redis.call('GET', KEYS[3])
        if holder and holder ~= ARGV[1] then return {'held', redis.call('HGET', KEYS[2], 'address') or ''} end
        local number, check = last(KEYS[1])
        if not number then return {'foreign', check} end
        if replicas() < tonumber(ARGV[4]) then return {'few', replicas()} end
        if redis.call('HGET', KEYS[2], 'token') ~= ARGV[1] then
          redis.call('HINCRBY', KEYS[2], 'epoch', 1)
          redis.call('HSET', KEYS[2], 'token', ARGV[1], 'address', ARGV[2])
        end
        redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[3])
        return {'ok', replicas(), redis.call('HGET', KEYS[2], 'epoch'), number}
        """;

    /// <summary>Stays the writer. Keys: writer, lease. Arguments: token, milliseconds.</summary>
    public const string Renew = """
        if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
          return {'lost', redis.call('HGET', KEYS[1], 'address') or ''}
        end
        redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
        return {'ok'}
        """;

    /// <summary>Is the writer no more. Keys: writer, lease. Arguments: token.</summary>
    public const string Release = """
        if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return {'lost'} end
        redis.call('HDEL', KEYS[1], 'token')
        redis.call('DEL', KEYS[2])
        return {'ok'}
        """;

    /// <summary>Who is the writer now, or was the last one and did not give it back. Keys: writer, lease.</summary>
    public const string Who = """
        if redis.call('EXISTS', KEYS[2]) == 0 then
          local gone = redis.call('HEXISTS', KEYS[1], 'token') == 0
          return {'nobody', not gone and redis.call('HGET', KEYS[1], 'address') or ''}
        end
        return {'ok', redis.call('HGET', KEYS[1], 'address') or ''}
        """;

    /// <summary>Makes a new snapshot the one that counts. Keys: snapshot, the new one, the old one, log, writer.
    /// Arguments: token, what the pointer was, what it is to be, parts, the change up to which the log goes,
    /// milliseconds that the old one has to live.</summary>
    public const string Switch = """
        if redis.call('HGET', KEYS[5], 'token') ~= ARGV[1] then return {'lost', ''} end
        local pointer = redis.call('GET', KEYS[1]) or ''
        if pointer == ARGV[3] then return {'ok'} end
        if pointer ~= ARGV[2] or redis.call('HLEN', KEYS[2]) ~= tonumber(ARGV[4]) then return {'other'} end
        redis.call('PERSIST', KEYS[2])
        redis.call('SET', KEYS[1], ARGV[3])
        if ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[3], ARGV[6]) end
        if ARGV[5] ~= '0' then redis.call('XTRIM', KEYS[4], 'MINID', ARGV[5] .. '-0') end
        return {'ok'}
        """;
}
