using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MicroCdn.Doctor;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Api;

/// <summary>How the answers of the admin API are read, and shown again to scripts.</summary>
/// <remarks>What lacks something is no answer of an index, so nobody has to ask of each value whether it is
/// there.</remarks>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 16,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Overview))]
[JsonSerializable(typeof(Listing<ServerView>))]
[JsonSerializable(typeof(Listing<EventView>))]
[JsonSerializable(typeof(Listing<NotifyTargetView>))]
[JsonSerializable(typeof(Listing<SettingView>))]
[JsonSerializable(typeof(SettingView[]))]
[JsonSerializable(typeof(Explanation))]
[JsonSerializable(typeof(Refusal))]
[JsonSerializable(typeof(TopFacts))]
[JsonSerializable(typeof(DoctorReport))]
internal sealed partial class ApiShapes : JsonSerializerContext
{
    /// <summary>For scripts: indented, and names as they are read.</summary>
    public static ApiShapes Printed { get; } = new(Written(isIndented: true));

    /// <summary>The same with each value on one line.</summary>
    public static ApiShapes Lines { get; } = new(Written(isIndented: false));

    private static JsonSerializerOptions Written(bool isIndented) => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = isIndented,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}

/// <summary>Why the API did not do something (RFC 9457).</summary>
/// <param name="Detail">One sentence.</param>
internal sealed record Refusal(string? Detail);

/// <summary>What <c>top --json</c> prints.</summary>
/// <param name="Overview">The fleet.</param>
/// <param name="Servers">The servers.</param>
internal sealed record TopFacts(Overview Overview, IReadOnlyList<ServerView> Servers);

/// <summary>What <c>doctor --json</c> prints.</summary>
/// <param name="Checks">Each check.</param>
/// <param name="Errors">How many of them failed.</param>
/// <param name="Warnings">How many somebody should look at.</param>
internal sealed record DoctorReport(IReadOnlyList<Finding> Checks, int Errors, int Warnings);
