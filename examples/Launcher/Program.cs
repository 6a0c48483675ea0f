// A game's launcher in small: fetches a patch, says how far it is, and may be killed and started again at any time.
//
//   dotnet run -- HOST:PORT NAME TARGET

using MicroCdn.Client;

if (args is not [var index, var name, var target] || index.Split(':') is not [var host, var digits]
    || !int.TryParse(digits, out int port))
{
    Console.Error.WriteLine("usage: Launcher HOST:PORT NAME TARGET");
    return 2;
}

using CancellationTokenSource interrupted = new();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    interrupted.Cancel();
};

using CdnClient client = new(new ClientOptions
{
    Indexes = [new IndexEndPoint(host, port)],
    // Known files can be fetched for ten minutes while the index is away.
    CacheFolder = ClientOptions.UserCacheFolder,
});
try
{
    DownloadResult result = await client.DownloadAsync(name, target, new DownloadOptions
    {
        Progress = new Progress<DownloadProgress>(far => Console.Write($"\r{far.Done} of {far.Size} bytes ")),
        Notice = Console.Error.WriteLine,
    }, interrupted.Token);
    Console.WriteLine();
    Console.WriteLine($"{result.Path}: {result.Size} bytes from {result.Server}, verified: {result.IsVerified}");
    return 0;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("Interrupted. Start it again to go on.");
    return 130;
}
catch (CdnException failure)
{
    Console.Error.WriteLine($"{failure.Failure}: {failure.Message}");
    return 1;
}
catch (IOException failure)
{
    Console.Error.WriteLine($"'{target}' cannot be written: {failure.Message}");
    return 1;
}
