using System.Runtime.InteropServices;
using MicroCdn.Client;
using MicroCdn.Protocol;
using MicroCdn.Top;
using Spectre.Console;

namespace MicroCdn;

/// <summary>One bar for each download, on a terminal's standard error; in a pipe nothing at all.</summary>
internal sealed class ProgressBars
{
    private readonly ProgressContext? _context;

    private ProgressBars(ProgressContext? context) => _context = context;

    /// <summary>Runs an action that may add bars. What is said meanwhile is said when they are over.</summary>
    /// <param name="action">The action.</param>
    /// <param name="isOfBytes">Whether the bars are of bytes; else of things that are counted.</param>
    public static async Task RunAsync(Func<ProgressBars, Task> action, bool isOfBytes = true)
    {
        if (Console.IsErrorRedirected)
        {
            await action(new ProgressBars(null));
            return;
        }
        // Told, not detected: the detection looks at standard output, which may be redirected by itself.
        AnsiConsoleSettings settings = new()
        {
            Out = new AnsiConsoleOutput(Console.Error),
            Interactive = InteractionSupport.Yes,
            Ansi = TerminalWishes.IsDumb ? AnsiSupport.No : AnsiSupport.Yes,
            ColorSystem = TerminalWishes.IsColored ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
        };
        IAnsiConsole terminal = AnsiConsole.Create(settings);
        // Who is ended while they are drawn leaves the terminal with its cursor.
        PosixSignalRegistration[] ends = [.. Screen.Ends.Select(signal =>
            PosixSignalRegistration.Create(signal, _ => ShowCursor()))];
        ProgressColumn[] ofBytes = isOfBytes ? [new DownloadedColumn(), new TransferSpeedColumn()] : [];
        Messages.Hold();
        try
        {
            await terminal.Progress()
                .Columns([new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), .. ofBytes,
                    new RemainingTimeColumn()])
                .StartAsync(context => action(new ProgressBars(context)));
        }
        finally
        {
            Messages.Release();
            foreach (PosixSignalRegistration end in ends) end.Dispose();
        }
    }

    private static void ShowCursor()
    {
        if (!TerminalWishes.IsDumb) Console.Error.Write(Screen.ShowCursor);
    }

    /// <summary>Adds a bar; null when nobody would see it.</summary>
    public IProgress<DownloadProgress>? Add(FileName name) =>
        _context is null ? null : new Bar(_context.AddTask(Plain(name.Value), autoStart: false), Plain(name.Value));

    /// <summary>Adds a bar of files that are counted, once there is something to tell; null when nobody would see
    /// it.</summary>
    public Action<long, long>? AddCount(string what)
    {
        if (_context is null) return null;
        ProgressTask? task = null;
        return (done, all) =>
        {
            task ??= _context.AddTask(Plain(what));
            task.MaxValue = Math.Max(1, all);
            task.Value = done;
            task.Description = $"{Plain(what)} of {done} of {all} files";
        };
    }

    // A name may hold anything, also what a terminal or the markup would obey.
    private static string Plain(string name) => Markup.Escape(Table.Plain(name));

    private sealed class Bar(ProgressTask task, string name) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value)
        {
            task.StartTask();
            task.MaxValue = Math.Max(1, value.Size);
            task.Value = value.Size == 0 ? 1 : value.Done;
            if (value.Servers > 1) task.Description = $"{name} ({value.Servers} servers)";
        }
    }
}
