// A shared HTTP cache in small: one answer is stored if it may be, and used again if it may be.
//
//   dotnet run

using System.Text;
using MicroCdn.Caching;
using MicroCdn.Caching.Store;
using MicroCdn.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

CachePolicy policy = CachePolicy.Site;
using CacheStore store = new(new CacheStoreOptions { Folder = "copies" }, TimeProvider.System, NullLogger.Instance);
CacheKey key = CacheKeys.Of("https"u8, "www.example.org"u8, "/hello"u8, "a=1"u8, policy)!.Value;

// A request, and what an origin answered.
long mark = store.Mark(), now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
HeaderFields asked = HeaderFields.FromLines("Accept-Language: en\r\n"u8);
HeaderFields answered = HeaderFields.FromLines("Cache-Control: max-age=60\r\nVary: Accept-Language\r\n"u8);

// May it be stored?
RequestRules request = RequestRules.Of("GET"u8, asked, policy);
StoredHead head = new()
{
    Status = 200,
    Fields = EndToEnd.ForStorage(answered, Directives.Of(answered)),
    Selecting = Vary.Selecting(answered, asked),
    RequestedAt = now,
    ReceivedAt = now,
};
if (Storing.Decide(request, key, CopyRules.Of(head, policy), policy) == Storability.Yes)
{
    using GrowingCopy growing = store.Begin(key, head, length: 5, mark);
    await growing.WriteAsync("hello"u8.ToArray());
    growing.Complete();
}

// May it be used, ten seconds later? Several copies of one key differ in what Vary names.
Copy[] copies = (await store.FindAsync(key)).Copies.ToArray();
Reuse reuse = Reuse.Decide(request, asked, [.. copies.Select(copy => CopyRules.Of(copy.Head, policy))], now + 10);
Console.WriteLine($"{reuse.Outcome}, {reuse.Copy?.At(now + 10).Age} s old");
if (copies is [var first, ..] && first.TryMemory(0, first.Length, out ReadOnlyMemory<byte> body))
{
    Console.WriteLine(Encoding.UTF8.GetString(body.Span));
}
