using System.Diagnostics;

namespace MicroCdn.Bench;

/// <summary>Asks an index every millisecond, over one connection, whom it offers for a file: how soon a server that
/// fell is asked last, and how soon it is offered no more.</summary>
internal sealed class Lookout : IDisposable
{
    /// <summary>How long a fall is waited for: longer than the ten seconds that silence alone may have to wait.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    // So long a server that fell must stay away before the time counts: a beat that was under way may clear it once.
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(100);

    private readonly Conversation _conversation;
    private readonly string _question;

    public Lookout(int indexPort, string file)
    {
        _conversation = new Conversation(indexPort);
        _conversation.Demand("HELLO 2", "WELCOME MICRO-CDN 2");
        _question = $"LOCATE {file}";
    }

    /// <summary>How often a server that was well was asked last meanwhile, and how often it was not offered.</summary>
    public (int Suspect, int Gone) Wronged { get; private set; }

    /// <summary>Waits until these servers, and nobody else, are offered and alive.</summary>
    public void WaitForAll(string[] names)
    {
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(1))
        {
            List<(string Id, string State)> offered = Ask();
            if (offered.Count == names.Length && names.All(name => offered.Contains((name, "alive")))) return;
            Machine.Wait(TimeSpan.FromMilliseconds(50));
        }
        throw new BenchException($"The index does not call all of {string.Join(", ", names)} alive.");
    }

    /// <summary>Lets a server fall and looks on until it is offered no more, or for 15 s.</summary>
    /// <param name="names">All servers, the one that falls first.</param>
    /// <param name="happen">What makes it fall.</param>
    public Fall Watch(string[] names, Action happen)
    {
        TimeSpan last = TimeSpan.Zero, gap = TimeSpan.Zero;
        TimeSpan? asked = null, gone = null;
        HashSet<string> suspects = [], missing = [];
        long began = Stopwatch.GetTimestamp();
        happen();
        while (last < Patience)
        {
            List<(string Id, string State)> offered = Ask();
            TimeSpan now = Stopwatch.GetElapsedTime(began);
            if (now - last > gap) gap = now - last;
            last = now;
            // The times are those of the first answer behind the last that said otherwise.
            asked = IsSpared(offered, names[0]) ? asked ?? now : null;
            gone = offered.Exists(one => one.Id == names[0]) ? null : gone ?? now;
            foreach (string other in names.AsSpan(1))
            {
                int at = offered.FindIndex(one => one.Id == other);
                if (at < 0) missing.Add(other);
                else if (offered[at].State == "suspect") suspects.Add(other);
            }
            if (now - gone >= Linger) break;
            Libc.Pause(milliseconds: 1);
        }
        Wronged = (Wronged.Suspect + suspects.Count, Wronged.Gone + missing.Count);
        return new Fall(asked ?? Patience, gone ?? Patience, gap);
    }

    public void Dispose() => _conversation.Dispose();

    // That another was drawn to be first does not spare it: it must be the worse choice.
    private static bool IsSpared(List<(string Id, string State)> offered, string name)
    {
        int at = offered.FindIndex(one => one.Id == name);
        return at < 0 || (at > 0 && offered[at].State == "suspect");
    }

    private List<(string Id, string State)> Ask()
    {
        List<(string Id, string State)> offered = [];
        string line = _conversation.Ask(_question);
        // Nobody has it, for a moment after the start.
        if (line.StartsWith("ERROR", StringComparison.Ordinal)) return offered;
        while ((line = _conversation.ReadLine()) != "END")
        {
            const string state = "state=";
            string[] words = line.Split(' ');
            string? told = Array.Find(words, word => word.StartsWith(state, StringComparison.Ordinal));
            offered.Add((words[3], told?[state.Length..] ?? "unknown"));
        }
        return offered;
    }
}

/// <summary>How a server fell, in the eyes of whoever asks the index.</summary>
/// <param name="AskedLast">From the fault until no client is sent to it first any more.</param>
/// <param name="Gone">From the fault until it is not offered at all.</param>
/// <param name="LongestGap">The longest time between two answers: nothing is known more exactly.</param>
internal sealed record Fall(TimeSpan AskedLast, TimeSpan Gone, TimeSpan LongestGap);
