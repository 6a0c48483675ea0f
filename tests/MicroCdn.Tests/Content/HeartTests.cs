using System.Net;
using MicroCdn.Content;
using MicroCdn.Network;
using MicroCdn.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace MicroCdn.Tests.Content;

public sealed class HeartTests
{
    [Theory]
    [InlineData("0.0.0.0", "192.0.2.1,2001:db8::1", "192.0.2.1")]
    [InlineData("::", "192.0.2.1,2001:db8::1", "192.0.2.1")]
    [InlineData("192.0.2.9", "192.0.2.1,2001:db8::1", "192.0.2.1")]
    [InlineData("2001:db8::9", "192.0.2.1,2001:db8::1", "2001:db8::1")]
    [InlineData("2001:db8::9", "192.0.2.1", null)]
    [InlineData("192.0.2.9", "2001:db8::1", null)]
    public async Task Heartbeats_go_to_an_address_that_the_bound_one_reaches(
        string bind, string monitor, string? target)
    {
        FakeTimeProvider time = new();
        LogBook log = new();
        Datagrams datagrams = new([.. monitor.Split(',').Select(IPAddress.Parse)]);
        ContentOptions options = new() { Id = Names.Id("CS1"), Files = "unused", Bind = IPAddress.Parse(bind) };
        MonitorLink link = new(options, options.Monitors[0], 1, new NoDialer(), time, log);
        using Heart heart = new(options, [link], 1, datagrams, time, log, new Complaints(log, time), () => (0, 0));
        using CancellationTokenSource end =
            CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Task running = heart.RunAsync(end.Token);
        for (int second = 0; second < 5; second++) time.Advance(TimeSpan.FromSeconds(1));
        datagrams.Beat!();
        Assert.Equal(target is null ? [] : [$"{target} 6000"], datagrams.Targets);
        Assert.Equal(target is null ? 1 : 0, log.Lines.Length);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private sealed class Datagrams(IPAddress[] monitor) : IDatagrams, IDatagramPort
    {
        public List<string> Targets { get; } = [];

        public Action? Beat { get; private set; }

        public IPEndPoint Local => throw new NotSupportedException();

        public IDatagramPort Bind(IPEndPoint endPoint) => this;

        public ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken) => new(monitor);

        public void Send(ReadOnlySpan<byte> datagram, IPEndPoint target) =>
            Targets.Add($"{target.Address} {target.Port}");

        public IPAddress? LocalAddressTo(IPEndPoint target) => target.Address;

        public void Receive(DatagramHandler handler)
        {
        }

        public void Repeat(Func<TimeSpan> step) => throw new NotSupportedException();

        public void Every(TimeSpan interval, Action beat) => Beat = beat;

        public void Dispose()
        {
        }
    }

    private sealed class NoDialer : IDialer
    {
        public ValueTask<LineConnection> DialAsync(string host, int port, CancellationToken cancellationToken) =>
            throw new IOException("nobody listens");
    }
}
