namespace MicroCdn.ClusterTests.Tools;

/// <summary>Tests that load the machine or measure what others feel: they run after all others, one by one.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
