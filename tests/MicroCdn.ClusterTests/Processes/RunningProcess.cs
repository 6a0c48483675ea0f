using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace MicroCdn.ClusterTests.Processes;

/// <summary>A real process of a test: its output is kept, its lines can be waited for, and it ends with the test.</summary>
internal sealed partial class RunningProcess : IAsyncDisposable
{
    private const int HangUpNumber = 1, Interrupt = 2, Kill9 = 9, Terminate = 15, Continue = 18, Stop = 19;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly SemaphoreSlim _news = new(0);
    private readonly string _name;
    private int _read;

    private RunningProcess(string name, Process process)
    {
        (_name, _process) = (name, process);
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.StandardInput.Close();
    }

    public int Id => _process.Id;

    /// <summary>How long ago it was started.</summary>
    public TimeSpan Age => TimeProvider.System.GetLocalNow().DateTime - _process.StartTime;

    public bool HasExited => _process.HasExited;

    public string Output => string.Join('\n', _lines);

    /// <summary>Resident memory in KiB.</summary>
    public long ResidentKiB
    {
        get
        {
            string line = File.ReadLines($"/proc/{Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return long.Parse(line.AsSpan(6).Trim().TrimEnd("kB"), CultureInfo.InvariantCulture);
        }
    }

    public static RunningProcess Start(string program, params IEnumerable<string> arguments) =>
        StartIn(null, null, program, arguments);

    /// <summary>Starts a program in a folder, and with another as the user's data folder.</summary>
    public static RunningProcess StartIn(
        string? folder, string? dataFolder, string program, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder ?? "",
        };
        // What roles remember by default would be shared by all tests, and stay behind.
        string? data = dataFolder ?? (folder is null ? null : Path.Combine(folder, "xdg-data"));
        if (data is not null) start.Environment["XDG_DATA_HOME"] = data;
        if (data is not null) start.Environment["XDG_CACHE_HOME"] = Path.Combine(data, "cache");
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return new RunningProcess(Path.GetFileName(program), new Process { StartInfo = start });
    }

    /// <summary>Waits for a line, from those not yet waited past; fails with all the output when it does not come.</summary>
    public async Task<string> UntilLineAsync(string part, TimeSpan? patience = null)
    {
        using CancellationTokenSource late = new(patience ?? Patience);
        while (true)
        {
            string[] lines = [.. _lines];
            for (; _read < lines.Length; _read++)
            {
                if (lines[_read].Contains(part, StringComparison.Ordinal)) return lines[_read++];
            }
            if (_process.HasExited && _lines.Count == lines.Length) Fail($"ended with {_process.ExitCode} before '{part}'");
            await _news.WaitAsync(TimeSpan.FromMilliseconds(100), CancellationToken.None);
            if (late.IsCancellationRequested) Fail($"said no '{part}'");
        }
    }

    /// <summary>Waits until something was said, before or after what was waited for already.</summary>
    public Task UntilSaidAsync(string part) => Stage.UntilAsync($"'{part}' is said", Patience,
        () => Task.FromResult(Output.Contains(part, StringComparison.Ordinal)));

    /// <summary>Waits for the end; returns the exit code.</summary>
    public async Task<int> UntilEndAsync(TimeSpan? patience = null)
    {
        using CancellationTokenSource late = new(patience ?? Patience);
        try
        {
            await _process.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            Fail("did not end");
        }
        return _process.ExitCode;
    }

    public void Kill() => Signal(Kill9);

    public void AskToEnd() => Signal(Terminate);

    public void HangUp() => Signal(HangUpNumber);

    public void PressControlC() => Signal(Interrupt);

    public void Freeze() => Signal(Stop);

    public void Thaw() => Signal(Continue);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Thaw();
            Kill();
        }
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null) return;
        _lines.Enqueue(line);
        _news.Release();
    }

    private void Fail(string what) => Assert.Fail($"{_name} ({Id}) {what}. It said:\n{Output}");

    /// <summary>Sends a signal to a process that another one started.</summary>
    public static void Send(int signal, int process) => _ = kill(process, signal);

    private void Signal(int signal) => Send(signal, _process.Id);

    [LibraryImport("libc")]
    private static partial int kill(int id, int signal);
}
