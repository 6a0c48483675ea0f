using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using MicroCdn.Gateway.Notify;
using MicroCdn.Index.Events;

namespace MicroCdn.Notify;

/// <summary>Runs a command for each event, which reads it as JSON, or from its environment.</summary>
/// <remarks>
/// No shell is asked: what a stranger may have said is in an event, and it is never part of a command line. The command
/// gets a session of its own, so that Ctrl-C in our terminal is not for it, and that all it started ends with it.
/// </remarks>
internal sealed partial class CommandTarget(string command, string index, TimeProvider time) : INotifyTarget
{
    private const string Session = "/usr/bin/setsid";
    private const int Kill9 = 9, MostSaidBytes = 2_048, MostSaidLetters = 200;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // What it started may hold its output open.
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    private readonly string[] _words = Words(command);

    /// <inheritdoc/>
    public string Name => NameOf(command);

    /// <inheritdoc/>
    public int MostTogether => 1;

    /// <summary>A command without its arguments, which may be secret.</summary>
    public static string NameOf(string command) =>
        Words(command) is [var program, ..] words && words.Length > 1 ? $"{program} ..." : command.Trim();

    /// <summary>The program and its arguments: what spaces part, and nothing else has a meaning.</summary>
    public static string[] Words(string command) => command.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <inheritdoc/>
    public async Task<string?> TellAsync(
        IReadOnlyList<FleetEvent> events, ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
    {
        using CancellationTokenSource late = new(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        bool hasSession = File.Exists(Session);
        using Process process = new() { StartInfo = Describe(hasSession, events[0]) };
        try
        {
            process.Start();
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or IOException)
        {
            return $"it cannot be started: {Table.Plain(exception.Message)}";
        }
        try
        {
            Task<string> said = SaidAsync(process.StandardError, either.Token);
            Task drained = DrainAsync(process.StandardOutput, either.Token);
            await WriteAsync(process.StandardInput, json, either.Token);
            await process.WaitForExitAsync(either.Token);
            if (process.ExitCode == 0) return null;
            Task words = Task.WhenAll(said, drained);
            await Task.WhenAny(words, Task.Delay(LastWords, time, either.Token));
            string last = said.IsCompletedSuccessfully ? said.Result : "";
            return $"it ended with {process.ExitCode}{(last.Length == 0 ? "" : $" and said '{last}'")}";
        }
        catch (OperationCanceledException)
        {
            End(process, hasSession);
            cancellationToken.ThrowIfCancellationRequested();
            return $"it did not end in {Patience.TotalSeconds} s, and was killed";
        }
    }

    private ProcessStartInfo Describe(bool hasSession, FleetEvent what)
    {
        ProcessStartInfo start = new(hasSession ? Session : _words[0])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (string word in hasSession ? _words : _words[1..]) start.ArgumentList.Add(word);
        start.Environment["MICROCDN_ID"] = what.Id.ToString(CultureInfo.InvariantCulture);
        start.Environment["MICROCDN_TIME"] = what.Time.UtcDateTime.ToString(
            "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        start.Environment["MICROCDN_KIND"] = what.Kind.ToString().ToLowerInvariant();
        start.Environment["MICROCDN_SEVERITY"] = what.Severity.ToString().ToLowerInvariant();
        start.Environment["MICROCDN_SUBJECT"] = Table.Plain(what.Subject);
        start.Environment["MICROCDN_TEXT"] = Table.Plain(what.Text);
        start.Environment["MICROCDN_INDEX"] = index;
        return start;
    }

    // It need not read what it is given.
    private static async Task WriteAsync(StreamWriter input, ReadOnlyMemory<byte> json, CancellationToken stop)
    {
        try
        {
            await input.BaseStream.WriteAsync(json, stop);
            await input.BaseStream.FlushAsync(stop);
            input.Close();
        }
        catch (IOException)
        {
            // It closed its standard input, or has ended.
        }
    }

    private static async Task<string> SaidAsync(StreamReader error, CancellationToken stop)
    {
        byte[] buffer = new byte[MostSaidBytes], rest = new byte[MostSaidBytes];
        int length = 0;
        try
        {
            while (true)
            {
                Memory<byte> room = length < buffer.Length ? buffer.AsMemory(length) : rest;
                int read = await error.BaseStream.ReadAsync(room, stop);
                if (read == 0) break;
                length = Math.Min(buffer.Length, length + read);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException
            or ObjectDisposedException)
        {
            // What came until now is what it said.
        }
        string text = Table.Plain(Encoding.UTF8.GetString(buffer, 0, length).Trim());
        return text.Length <= MostSaidLetters ? text : text[..MostSaidLetters];
    }

    private static async Task DrainAsync(StreamReader output, CancellationToken stop)
    {
        try
        {
            await output.BaseStream.CopyToAsync(Stream.Null, stop);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException
            or ObjectDisposedException)
        {
            // Nobody wants it.
        }
    }

    private static void End(Process process, bool hasSession)
    {
        // The leader of a session is the leader of its group, by its own id.
        if (hasSession && !process.HasExited) _ = kill(-process.Id, Kill9);
        process.Kill(entireProcessTree: true);
    }

    [LibraryImport("libc")]
    private static partial int kill(int id, int signal);
}
