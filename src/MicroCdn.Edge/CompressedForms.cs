using MicroCdn.Content;
using MicroCdn.Http;

namespace MicroCdn.Edge;

/// <summary>Finds the compressed form that a client likes best: a ready-made neighbour, or one made here.</summary>
/// <remarks>
/// A neighbour is a file of the library with the coding's ending (<c>app.js.zst</c> beside <c>app.js</c>) that is not
/// older than the file itself. What is worth compressing is compressed once and kept; the first client waits for it.
/// </remarks>
internal sealed class CompressedForms(ServedFiles files, Variants? variants, FileFieldLines lines)
{
    private const int LeastBytes = 256;            // below this the fields cost more than is saved
    private const int MostBytes = 16 << 20;        // what somebody can wait for: about half a second
    private const Coding All = Coding.Zstd | Coding.Brotli | Coding.Gzip;
    private static readonly (Coding Coding, byte[] Ending)[] Endings =
        [(Coding.Zstd, ".zst"u8.ToArray()), (Coding.Brotli, ".br"u8.ToArray()), (Coding.Gzip, ".gz"u8.ToArray())];

    /// <summary>Chooses the coding for a file, and finds its form.</summary>
    /// <param name="accepted">Accept-Encoding.</param>
    /// <param name="library">The library that was asked.</param>
    /// <param name="number">The file's number.</param>
    /// <param name="digest">Its digest; empty while it is not known.</param>
    /// <param name="fields">Its lines.</param>
    /// <param name="form">The form, when there is one.</param>
    /// <param name="toMake">The coding of a form that is to be made first; else identity.</param>
    /// <returns>True when there is a form.</returns>
    public bool TryFind(ReadOnlySpan<byte> accepted, Library library, int number, ReadOnlySpan<byte> digest,
        FileFields fields, out Representation form, out Coding toMake)
    {
        (form, toMake) = (default, Coding.Identity);
        Coding neighbours = NeighboursOf(library, number);
        bool makes = variants is not null && !digest.IsEmpty && fields.Type.IsText
            && library.FactsOf(number).Size is >= LeastBytes and <= MostBytes;
        Coding coding = ContentCodings.Choose(accepted, Coding.Identity | neighbours | (makes ? All : 0));
        if (coding == Coding.Identity) return false;
        if (neighbours.HasFlag(coding)) return TryNeighbour(library, number, coding, fields, out form);
        if (variants!.Find(digest, coding, out bool isSettled) is not { } variant)
        {
            toMake = isSettled ? Coding.Identity : coding;
            return false;
        }
        form = new Representation(
            variant, variant.Length, lines.OfCoded(fields, coding, variant.EntityTag, default));
        return true;
    }

    /// <summary>Makes a form; done when it is there, or will not be. Takes the file over.</summary>
    public async Task MakeAsync(byte[] digest, Coding coding, OpenFile file)
    {
        Variant? made = await variants!.MakeAsync(digest, coding, file, file.Facts.Size, CancellationToken.None)
            .ConfigureAwait(false);
        made?.Release();
    }

    private static Coding NeighboursOf(Library library, int number)
    {
        Coding found = 0;
        foreach ((Coding coding, byte[] ending) in Endings)
        {
            if (Neighbour(library, number, ending) >= 0) found |= coding;
        }
        return found;
    }

    private static int Neighbour(Library library, int number, byte[] ending)
    {
        ReadOnlySpan<byte> name = library.NameOf(number);
        Span<byte> longer = stackalloc byte[name.Length + ending.Length];
        name.CopyTo(longer);
        ending.CopyTo(longer[name.Length..]);
        int neighbour = library.FindName(longer);
        // An older one was made of another state of the file.
        bool isOlder = neighbour >= 0 && library.FactsOf(neighbour).Modified < library.FactsOf(number).Modified;
        return isOlder ? -1 : neighbour;
    }

    private bool TryNeighbour(
        Library library, int number, Coding coding, FileFields fields, out Representation form)
    {
        form = default;
        int neighbour = Neighbour(library, number, Array.Find(Endings, one => one.Coding == coding).Ending);
        if (neighbour < 0 || files.Take(library, neighbour, anew: false, out _) is not { } file) return false;
        ReadOnlySpan<byte> digest = default;
        if (file.Facts == library.FactsOf(neighbour)) library.TryDigest(neighbour, out digest);
        byte[] tag = digest.IsEmpty ? [] : new byte[Digests.EntityTagBytes];
        if (tag.Length > 0) Digests.WriteEntityTag(digest, Coding.Identity, tag);
        form = new Representation(file, file.Facts.Size, lines.OfCoded(fields, coding, tag, digest));
        return true;
    }
}
