using System.Text.Json.Serialization;
using MicroCdn.Gateway.Api.Models;

namespace MicroCdn.Gateway.Api;

/// <summary>How the API's records are written and read as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 16,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Overview))]
[JsonSerializable(typeof(History))]
[JsonSerializable(typeof(ServerView))]
[JsonSerializable(typeof(Listing<ServerView>))]
[JsonSerializable(typeof(Listing<FileView>))]
[JsonSerializable(typeof(FileView))]
[JsonSerializable(typeof(Explanation))]
[JsonSerializable(typeof(Listing<OriginView>))]
[JsonSerializable(typeof(PurgeView))]
[JsonSerializable(typeof(PurgeWish))]
[JsonSerializable(typeof(Listing<PurgeView>))]
[JsonSerializable(typeof(ReleaseView))]
[JsonSerializable(typeof(StagedFile))]
[JsonSerializable(typeof(Listing<ReleaseView>))]
[JsonSerializable(typeof(PolicyView))]
[JsonSerializable(typeof(PolicyWish))]
[JsonSerializable(typeof(Listing<PolicyView>))]
[JsonSerializable(typeof(TokenView))]
[JsonSerializable(typeof(TokenWish))]
[JsonSerializable(typeof(Listing<TokenView>))]
[JsonSerializable(typeof(EventView))]
[JsonSerializable(typeof(Listing<EventView>))]
[JsonSerializable(typeof(Listing<SettingView>))]
[JsonSerializable(typeof(Listing<NotifyTargetView>))]
[JsonSerializable(typeof(Listing<DownloadView>))]
[JsonSerializable(typeof(AuditEntry))]
[JsonSerializable(typeof(Listing<AuditEntry>))]
[JsonSerializable(typeof(SessionView))]
[JsonSerializable(typeof(SessionWish))]
internal sealed partial class ApiJson : JsonSerializerContext;
