namespace MicroCdn.Gateway.Api.Models;

/// <summary>Somebody outside who is told what happens, and how that went.</summary>
/// <param name="Target">Who: a URL without what may be secret in it, or a command.</param>
/// <param name="LastSuccess">When it was told last; null when it never was.</param>
/// <param name="LastFailure">When that failed last; null when it never did.</param>
/// <param name="Trouble">Why the last try failed; null when it did not.</param>
/// <param name="Told">Events that it was told of, since the index began.</param>
/// <param name="GivenUp">Events that it was not told of within an hour, or that nobody could remember for it.</param>
/// <param name="Waiting">Events that it is still to be told of.</param>
/// <param name="Tests">How often it was tried with a test event, whatever came of it.</param>
public sealed record NotifyTargetView(string Target, DateTimeOffset? LastSuccess, DateTimeOffset? LastFailure,
    string? Trouble, long Told, long GivenUp, int Waiting, long Tests);
