using System.Text;
using MicroCdn.Testing;

namespace MicroCdn.ClusterTests.FakeNetwork;

/// <summary>What was done in a play, for whoever reads a failure.</summary>
internal sealed class PlayStory(FakeWorld world)
{
    private readonly StringBuilder _text = new();

    public void Tell(string what)
    {
        _text.Append(what).Append(' ');
        world.Phase(_text.ToString());
    }

    /// <summary>Shows all of it beside a test that passes.</summary>
    public void Show() => TestContext.Current.TestOutputHelper?.WriteLine(_text.ToString());
}
