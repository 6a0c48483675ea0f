using System.CommandLine;
using MicroCdn.Api;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn health</c>: whether a role on this machine answers; for containers.</summary>
internal static class HealthVerb
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static Command Create()
    {
        // No setting: a container is well as long as its role is, also with bad new settings.
        Option<Uri> admin = ApiFlags.AdminFlag("--at", "The admin port that is asked.");
        Option<bool> isReady = new("--ready")
        {
            Description = "Ask whether it is of use, not only whether it answers.",
        };
        Option<bool> json = Flags.JsonLines();
        Command verb = new("health", "Say whether a role answers at its admin port, by the exit code too.")
        {
            admin, isReady, json,
        };
        verb.SetAction((parsed, _) => Questions.AskAsync(async token =>
        {
            Uri asked = new(parsed.GetValue(admin)!, parsed.GetValue(isReady) ? "/readyz" : "/healthz");
            using HttpClient client = new() { Timeout = Patience };
            (bool isWell, string said) = await AskAsync(client, asked, token);
            int printed = new VerbAnswer(parsed.GetValue(json)).Print(
                $"{asked}: {said}", ("url", asked), ("well", isWell), ("said", said));
            return isWell ? printed : ExitCode.Failed;
        }));
        return verb;
    }

    private static async Task<(bool IsWell, string Said)> AskAsync(HttpClient client, Uri url, CancellationToken token)
    {
        try
        {
            using HttpResponseMessage response = await client.GetAsync(url, token);
            string text = (await response.Content.ReadAsStringAsync(token)).Trim();
            return (response.IsSuccessStatusCode, text.Length is > 0 and <= 1000 ? text.Replace('\n', ' ')
                : $"{(int)response.StatusCode}");
        }
        catch (Exception exception) when (exception is HttpRequestException
            || (exception is TaskCanceledException && !token.IsCancellationRequested))
        {
            return (false, exception is HttpRequestException ? exception.Message.TrimEnd('.') : "no answer in 3 s");
        }
    }
}
