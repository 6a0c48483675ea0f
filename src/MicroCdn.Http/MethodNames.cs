namespace MicroCdn.Http;

/// <summary>What methods are called in metrics and traces (semantic conventions of OpenTelemetry for HTTP).</summary>
internal static class MethodNames
{
    /// <summary>What every other method is: any word could be a stranger's.</summary>
    public const string Other = "_OTHER";

    /// <summary>The name of a method.</summary>
    public static string Text(this Method method) =>
        method == Method.Other ? Other : method.ToString().ToUpperInvariant();
}
