using System.Diagnostics;
using System.Globalization;

namespace MicroCdn.Bench;

/// <summary>A server under measurement: started on a core, asked for its time and memory, ended by number.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;
    private readonly string _log;
    private readonly List<int> _numbers;

    private ServerProcess(Process process, string log)
    {
        _process = process;
        _log = log;
        _numbers = [process.Id];
    }

    /// <summary>Starts a program on the given cores, its words to a file; <c>exec</c> keeps the process.</summary>
    public static ServerProcess Start(IReadOnlyList<string> command, string cores, string folder, string log)
    {
        ProcessStartInfo start = new("/bin/sh") { WorkingDirectory = folder };
        string taskset = Machine.Program("taskset", "util-linux");
        string[] words = ["-c", "exec \"$@\" >\"$0\" 2>&1 </dev/null", log, taskset, "-c", cores];
        foreach (string word in words.Concat(command)) start.ArgumentList.Add(word);
        // A server that stands in this folder alone: its state must not end in the home of whoever measures.
        start.Environment["HOME"] = folder;
        string[] homes = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"];
        foreach (string name in homes) start.Environment[name] = folder;
        return new ServerProcess(Process.Start(start)!, log);
    }

    /// <summary>The process's number.</summary>
    public int Number => _process.Id;

    /// <summary>Processor time used so far, with that of the children <see cref="FindChildren"/> found.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            ThrowIfEnded();
            TimeSpan sum = TimeSpan.Zero;
            foreach (int number in _numbers) sum += Libc.ProcessorTime(number);
            return sum;
        }
    }

    /// <summary>Memory in RAM in bytes (VmRSS), shared pages of the runtime included.</summary>
    public long Memory => Status("VmRSS:");

    /// <summary>The most memory it ever had in RAM in bytes (VmHWM).</summary>
    public long MostMemory => Status("VmHWM:");

    /// <summary>Counts the children in from now on: nginx does its work in one.</summary>
    public void FindChildren()
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out int number) || _numbers.Contains(number)) continue;
            try
            {
                string stat = File.ReadAllText(Path.Combine(folder, "stat"));
                string parent = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1];
                if (int.Parse(parent, CultureInfo.InvariantCulture) != Number) continue;
                // It reads the folder of copies after a minute, and ends: a clock that stops is no clock.
                string words = File.ReadAllText(Path.Combine(folder, "cmdline"));
                if (!words.Contains("cache loader", StringComparison.Ordinal)) _numbers.Add(number);
            }
            catch (IOException)
            {
                // It ended while we looked.
            }
        }
    }

    /// <summary>Waits until the server is over its start: it used less than 2 % of a core for half a second.</summary>
    public void WaitUntilQuiet(TimeSpan atMost)
    {
        TimeSpan look = TimeSpan.FromSeconds(0.5);
        long begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < atMost)
        {
            TimeSpan before = ProcessorTime;
            Machine.Wait(look);
            if (ProcessorTime - before < look / 50) return;
        }
        Machine.Say($"process {Number} is still busy after {atMost.TotalSeconds} s; measured all the same");
    }

    /// <summary>Tries until the server answers, or until it has ended or the time is up.</summary>
    public void WaitFor(string what, Func<bool> answers) => WaitFor(what, answers, TimeSpan.FromSeconds(0.1));

    /// <summary>Tries until the server answers, with a pause between two tries.</summary>
    public void WaitFor(string what, Func<bool> answers, TimeSpan pause)
    {
        TimeSpan atMost = TimeSpan.FromMinutes(3);
        long begin = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begin) < atMost)
        {
            ThrowIfEnded();
            if (answers()) return;
            Machine.Wait(pause);
        }
        throw new BenchException($"{what} did not answer within {atMost.TotalSeconds} s{LastWords()}.");
    }

    /// <summary>Refuses to measure a server that is gone.</summary>
    public void ThrowIfEnded()
    {
        if (!_process.HasExited) return;
        throw new BenchException($"A server ended with exit code {_process.ExitCode}{LastWords()}.");
    }

    /// <summary>Sends it a signal and waits until it is gone; returns its exit code.</summary>
    public int End(int signal, TimeSpan atMost)
    {
        ThrowIfEnded();
        Libc.Check(Libc.Kill(Number, signal), "kill");
        if (_process.WaitForExit(atMost)) return _process.ExitCode;
        throw new BenchException($"Process {Number} did not end within {atMost.TotalSeconds} s of a signal.");
    }

    /// <summary>Asks it to end, and ends it when it has not within 3 s.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            const int Terminate = 15;
            _ = Libc.Kill(Number, Terminate);
            if (!_process.WaitForExit(TimeSpan.FromSeconds(3)))
            {
                _process.Kill(entireProcessTree: true);
                _process.WaitForExit(TimeSpan.FromSeconds(3));
            }
        }
        _process.Dispose();
    }

    private long Status(string name)
    {
        ThrowIfEnded();
        long sum = 0;
        foreach (int number in _numbers)
        {
            string line = File.ReadLines($"/proc/{number}/status")
                .First(line => line.StartsWith(name, StringComparison.Ordinal));
            sum += long.Parse(line.AsSpan(name.Length).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture) * 1024;
        }
        return sum;
    }

    private string LastWords()
    {
        string? last = File.Exists(_log) ? File.ReadLines(_log).LastOrDefault(line => line.Length > 0) : null;
        return last is null ? " and said nothing" : $" and last said: {last.Trim().TrimEnd('.')}";
    }
}
