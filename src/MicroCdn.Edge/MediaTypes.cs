namespace MicroCdn.Edge;

/// <summary>Names the media type of a file by the end of its name.</summary>
internal static class MediaTypes
{
}
