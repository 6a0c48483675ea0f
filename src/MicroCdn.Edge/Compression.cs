using System.Buffers;
using System.IO.Compression;
using System.Security.Cryptography;
using MicroCdn.Http;
using MicroCdn.Network;
using MicroCdn.Storage;
using ZstdSharp;

namespace MicroCdn.Edge;

/// <summary>Compresses one file into another.</summary>
internal static class Compression
{
    // A form is made once and sent often, but on a machine whose work is sending: the levels from which on much more
    // time wins few more bytes.
    private const int ZstdLevel = 9, BrotliQuality = 5, GzipLevel = 6;
    private const int PieceBytes = 64 * 1024;

    /// <summary>Compresses a source; on <see cref="CompressionResult.Smaller"/> the target holds all of it.</summary>
    /// <param name="source">What is compressed, from its first byte.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="key">The digest that its bytes must have, and the coding.</param>
    /// <param name="target">Where the result goes.</param>
    /// <param name="most">The most bytes that are worth keeping.</param>
    /// <param name="stop">Gives up between two pieces.</param>
    /// <exception cref="IOException">The target cannot be written.</exception>
    public static CompressionResult Run(IFileSource source, long length, VariantKey key, AtomicFile target, long most,
        CancellationToken stop)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using Sink sink = new(target, most);
        Stream compressor = Open(key.Coding, sink, length);
        bool whole = false;
        try
        {
            if (!Feed(source, length, compressor, sink, hash, stop)) return CompressionResult.OtherBytes;
            whole = !sink.IsFull;
        }
        finally
        {
            Finish(compressor, whole);
        }
        // The digest is what the form will be found by: other bytes under it would be wrong for as long as it is kept.
        if (!key.IsOf(hash.GetHashAndReset())) return CompressionResult.OtherBytes;
        return sink.IsFull ? CompressionResult.NotSmaller : CompressionResult.Smaller;
    }

    // False when the source ends early. Once the target is full there is nothing more to win, but the digest still
    // tells whether that is true of the right bytes.
    private static bool Feed(IFileSource source, long length, Stream compressor, Sink sink, IncrementalHash hash,
        CancellationToken stop)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            for (long done = 0; done < length;)
            {
                stop.ThrowIfCancellationRequested();
                Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(PieceBytes, length - done));
                if (source.Read(piece, done) != piece.Length) return false;
                hash.AppendData(piece);
                if (!sink.IsFull) compressor.Write(piece);
                done += piece.Length;
            }
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Finish(Stream compressor, bool whole)
    {
        try
        {
            compressor.Dispose();
        }
        catch (ZstdException) when (!whole)
        {
            // It misses the bytes that it was promised.
        }
    }

    private static Stream Open(Coding coding, Stream sink, long length)
    {
        switch (coding)
        {
            case Coding.Gzip:
                ZLibCompressionOptions gzip = new() { CompressionLevel = GzipLevel };
                return new GZipStream(sink, gzip, leaveOpen: true);
            case Coding.Brotli:
                BrotliCompressionOptions brotli = new() { Quality = BrotliQuality };
                return new BrotliStream(sink, brotli, leaveOpen: true);
            default:
                // Its window at this level is 4 MiB: within the 8 MiB that every client has (RFC 9659, section 3).
                CompressionStream stream = new(sink, ZstdLevel, leaveOpen: true);
                stream.SetPledgedSrcSize((ulong)length);
                return stream;
        }
    }

    // Takes bytes until they are too many; the rest is swallowed, since a stream can refuse by an exception only.
    private sealed class Sink(AtomicFile target, long most) : Stream
    {
        public bool IsFull { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => target.Length;

        public override long Position
        {
            get => target.Length;
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            IsFull |= buffer.Length > most - target.Length;
            if (!IsFull) target.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}

/// <summary>What came of a compression.</summary>
internal enum CompressionResult
{
    /// <summary>A form worth keeping.</summary>
    Smaller,

    /// <summary>As long as the bytes themselves, or longer than may be kept.</summary>
    NotSmaller,

    /// <summary>The source is shorter than it was said to be, or has another digest: it was edited.</summary>
    OtherBytes,
}
