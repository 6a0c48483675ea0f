using System.Diagnostics;

namespace MicroCdn.Bench;

/// <summary>Runs a program to its end, on the load's core as everything that this program starts.</summary>
internal static class Tool
{
    /// <summary>What the program said on its standard output; it must end well and in time.</summary>
    public static string Run(string program, TimeSpan atMost, params IReadOnlyList<string> words)
    {
        ProcessStartInfo start = new(program, words)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> said = process.StandardOutput.ReadToEndAsync();
        Task<string> complained = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(atMost))
        {
            process.Kill();
            throw new BenchException($"{Path.GetFileName(program)} did not end within {atMost.TotalSeconds} s.");
        }
        process.WaitForExit();
        if (process.ExitCode == 0) return said.GetAwaiter().GetResult();
        string why = complained.GetAwaiter().GetResult().Trim();
        throw new BenchException($"{Path.GetFileName(program)} ended with exit code {process.ExitCode}: {why}");
    }
}
