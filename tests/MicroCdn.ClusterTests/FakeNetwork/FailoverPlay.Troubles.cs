using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

// What goes wrong meanwhile, and what of it may be noticed for how long.
internal sealed partial class FailoverPlay
{
    // A registration that did not last is made again after half a minute.
    private static readonly TimeSpan Registering = TimeSpan.FromSeconds(35);

    // Another one takes over after at most 6 s, and has the servers show what was written and never told.
    private static readonly TimeSpan TakingOver = TimeSpan.FromSeconds(20);

    // The servers are believed after 5 s without the log; when it is back what was missed is read.
    private static readonly TimeSpan Reading = TimeSpan.FromSeconds(12);

    // In half of all plays nothing happens to the servers: there every index finds every file all the time.
    private readonly bool _breaksServers;

    private readonly HashSet<string> _hung = [], _cut = [];
    private readonly Dictionary<string, TimeSpan> _steadySince = [], _seesSince = [], _foundSince = [];
    private HashSet<string> _turning = [];
    private bool _isDisturbed, _isTrapped;
    private int _upsets;

    private string Writer => _log.Writer.Split(':')[0];

    private bool IsBlind(string host) => _cut.Contains(host) || _seesSince.GetValueOrDefault(host) > World.Now;

    private bool IsFoundBy(string host, string name) => !_breaksServers && World.Now >= _steadySince[host]
        && World.Now >= _foundSince.GetValueOrDefault(name);

    // Something breaks before anybody asks, and lasts.
    private void Disturb()
    {
        _isDisturbed = true;
        switch (_chance.Next(8))
        {
            case 0 or 1 or 2:
                _story.Tell($"(log {_log.Traps.Trap = (StoreTrap)_chance.Next(1, 6)})");
                _isTrapped = true;
                break;
            case 3:
                CutOff(OneIndex());
                break;
            case 4:
                foreach (string host in _indexes) CutOff(host);
                break;
            case 5:
                _story.Tell("(log trimmed)");
                _log.Trim();
                break;
            default:
                if (_breaksServers) DisturbServers();
                else CutOff(Writer);
                break;
        }
    }

    private void DisturbServers()
    {
        string id = OneServer();
        switch (_chance.Next(3))
        {
            case 0:
                _machines.StopDiskOf(id);
                break;
            case 1:
                _machines.Part(id.ToLowerInvariant(), OneIndex());
                break;
            default:
                _machines.BreakLink(["client", .. _indexes, .. _machines.Ids.Select(one => one.ToLowerInvariant())]);
                break;
        }
    }

    // Something stops while a change is under way: at some moment, where it was stopped in the log, or right after it
    // was written.
    private async Task FailAsync()
    {
        _turning = [.. _round.Waited.SelectMany(_worlds.TurnedBy)];
        if (_isDisturbed) Upset(mayBeUntold: _isTrapped);
        int kind = _chance.Next(10), written = _log.Written.Count;
        if (kind == 0) await UntilWrittenAsync(written);
        else await World.AdvanceAsync(TimeSpan.FromMilliseconds(50 * _chance.Next(3)));
        if (_log.Traps.IsStopped && _chance.Next(4) > 0) StopWriter();
        else if (kind < 3) StopWriter();
        else if (kind == 3) Kill(OneIndex());
        else if (kind < 6 && _breaksServers) _machines.Kill(OneServer());
        if (_chance.Next(2) == 0) await LookAsync(isQuiet: false);
        await World.AdvanceAsync(TimeSpan.FromMilliseconds(50 * _chance.Next(40)));
        if (_chance.Next(2) == 0)
        {
            await World.AdvanceAsync(TimeSpan.FromSeconds(6));
            await LookAsync(isQuiet: false);
        }
        if (_chance.Next(3) > 0) Mend(isAll: false, staysCut: MayStayCut());
    }

    private async Task UntilWrittenAsync(int written)
    {
        for (int wait = 0; wait < 20 && _log.Written.Count == written; wait++)
        {
            await World.AdvanceAsync(TimeSpan.FromMilliseconds(5));
        }
    }

    private void StopWriter()
    {
        if (_chance.Next(2) == 0) Kill(Writer);
        else Hang(Writer);
    }

    private void Kill(string index)
    {
        if (_machines.IsDown(index)) return;
        Upset(mayBeUntold: index == Writer);
        _hung.Remove(index);
        _machines.Kill(index);
        _worlds.Leave(index);
    }

    private void Hang(string index)
    {
        if (_machines.IsDown(index) || !_hung.Add(index)) return;
        Upset(mayBeUntold: index == Writer);
        _story.Tell($"({index} hangs)");
        _cluster.Network.Host(index).Pause();
    }

    private void CutOff(string index)
    {
        Upset(mayBeUntold: false);
        _story.Tell($"({index} is cut off from the log)");
        _cut.Add(index);
        _log.Cut(index, isAway: true);
    }

    // Whoever waits may ask again; and of what was written and not told nobody knows yet where it is.
    private void Upset(bool mayBeUntold)
    {
        (_isDisturbed, _upsets) = (true, _upsets + 1);
        if (_round.Waited.Count == 0) return;
        _worlds.Reopen(_round.Waited);
        if (!mayBeUntold) return;
        foreach (string name in _turning) _foundSince[name] = World.Now + TakingOver;
    }

    // One that is cut off may be so for long, while the others go on.
    private bool MayStayCut() => _cut.Count < _indexes.Length && _chance.Next(3) > 0;

    private void Mend(bool isAll, bool staysCut = false)
    {
        foreach (string name in _foundSince.Where(found => found.Value > World.Now).Select(found => found.Key).ToArray())
        {
            _foundSince[name] = World.Now + TakingOver;
        }
        _log.Traps.Release();
        _isTrapped = false;
        if (!staysCut)
        {
            foreach (string host in _cut.ToArray()) GiveBack(host);
        }
        foreach (string host in _hung.Order(StringComparer.Ordinal))
        {
            _story.Tell($"({host} goes on)");
            _cluster.Network.Host(host).Resume(timersFirst: _chance.Next(2) == 0);
            _steadySince[host] = World.Now + Registering;
        }
        _hung.Clear();
        _machines.Mend(isAll);
        if (isAll) _isDisturbed = _cut.Count > 0;
    }

    private void GiveBack(string index)
    {
        if (!_cut.Remove(index)) return;
        _story.Tell($"({index} has the log again)");
        _log.Cut(index, isAway: false);
        _seesSince[index] = World.Now + Reading;
    }

    private string OneIndex() => _indexes[_chance.Next(_indexes.Length)];

    private string OneServer() => _machines.Ids[_chance.Next(_machines.Ids.Count)];
}
