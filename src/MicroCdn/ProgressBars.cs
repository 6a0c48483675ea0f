using MicroCdn.Client;
using MicroCdn.Protocol;
using Spectre.Console;

namespace MicroCdn;

/// <summary>One bar for each download, on a terminal's standard error; in a pipe nothing at all.</summary>
internal sealed class ProgressBars
{
    private readonly ProgressContext? _context;

    private ProgressBars(ProgressContext? context) => _context = context;

    /// <summary>Runs an action that may add bars.</summary>
    public static async Task RunAsync(Func<ProgressBars, Task> action)
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
            Ansi = Environment.GetEnvironmentVariable("TERM") == "dumb" ? AnsiSupport.No : AnsiSupport.Yes,
        };
        IAnsiConsole terminal = AnsiConsole.Create(settings);
        await terminal.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(),
                new DownloadedColumn(),
                new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(context => action(new ProgressBars(context)));
    }

    /// <summary>Adds a bar; null when nobody would see it.</summary>
    public IProgress<DownloadProgress>? Add(FileName name) =>
        _context is null ? null : new Bar(_context.AddTask(Plain(name), autoStart: false), Plain(name));

    // A name may hold anything, also what a terminal or the markup would obey.
    private static string Plain(FileName name) =>
        Markup.Escape(string.Concat(name.Value.Select(c => char.IsControl(c) ? '?' : c)));

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
