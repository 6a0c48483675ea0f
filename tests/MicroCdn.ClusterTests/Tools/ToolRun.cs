using System.Diagnostics;
using System.Text;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A program that nobody here wrote, run to its end: its exit code and what it said.</summary>
internal sealed record ToolRun(int Code, byte[] Output, string Errors)
{
    // The machine may be ten times slower than usual; a tool that hangs still must end.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(150);

    public string Text => Encoding.UTF8.GetString(Output);

    /// <summary>Runs a program in a folder.</summary>
    public static async Task<ToolRun> OfAsync(string folder, string program, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
            WorkingDirectory = folder,
        };
        // What this machine's owner has set for the tools does not count here.
        foreach (string name in new[] { "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" })
        {
            start.Environment.Remove(name);
        }
        start.Environment["HOME"] = folder;
        start.Environment["LC_ALL"] = "C.UTF-8";
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        using MemoryStream output = new();
        using CancellationTokenSource late = new(Patience);
        Task<string> errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        Task copied = process.StandardOutput.BaseStream.CopyToAsync(output, CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', start.ArgumentList)} did not end. It said:\n{await errors}");
        }
        await copied;
        return new ToolRun(process.ExitCode, output.ToArray(), await errors);
    }

    /// <summary>Fails with all that was said unless the exit code is 0.</summary>
    public ToolRun Succeeded()
    {
        Assert.True(Code == 0, $"exit code {Code}:\n{Errors}\n{(Output.Length < 4000 ? Text : "")}");
        return this;
    }
}
