using System.Buffers;
using MicroCdn.Content;
using MicroCdn.Http;
using MicroCdn.Protocol;

namespace MicroCdn.Edge;

/// <summary>Answers for folders: their <c>index.html</c>, a redirect to the slash, and, where switched on, a
/// list.</summary>
internal sealed class FolderPages(EdgeOptions options, ServedFiles files)
{
    private const int MostEntries = 10_000;

    public static ReadOnlySpan<byte> IndexName => "index.html"u8;

    /// <summary>The number of a folder's index file, or -1; there must be room for it behind the folder's.</summary>
    public static int FindIndex(Library library, Span<byte> name, int length)
    {
        int start = length;
        if (start > 0) name[start++] = (byte)'/';
        IndexName.CopyTo(name[start..]);
        return library.FindName(name[..(start + IndexName.Length)]);
    }

    /// <summary>Answers with a redirect or a list; false when there is no such folder to speak of.</summary>
    public bool TryAnswer(
        in Request request, Response response, Library library, ReadOnlySpan<byte> name, bool isFolder)
    {
        if (isFolder && !options.Listings) return false;
        byte[] folder = name.IsEmpty ? [] : [.. name, (byte)'/'];
        if (!isFolder && library.FindName([.. folder, .. IndexName]) >= 0)
        {
            Redirect(response, folder, request.Query);
            return true;
        }
        if (!options.Listings) return false;
        // A walk over all names is no work for the thread that serves everyone.
        byte[] query = request.Query.ToArray();
        response.Later();
        ThreadPool.UnsafeQueueUserWorkItem(_ => AnswerLater(response, folder, isFolder, query), null);
        return true;
    }

    private void AnswerLater(Response response, byte[] folder, bool isFolder, byte[] query)
    {
        SortedDictionary<string, long> entries = Entries(files.Library, folder);
        byte[] page = Page(folder, entries);
        response.Give(later =>
        {
            if (entries.Count == 0 && folder.Length > 0)
            {
                later.Explain(HttpStatus.NotFound, "There is no such file here.");
            }
            else if (!isFolder) Redirect(later, folder, query);
            else
            {
                later.Begin(HttpStatus.Ok);
                later.Fields("Content-Type: text/html; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"u8);
                later.Fields("Cache-Control: no-cache\r\nContent-Security-Policy: default-src 'none'\r\n"u8);
                later.EndWithPieces(new PageSource(page), page.Length);
            }
        });
    }

    private static void Redirect(Response response, ReadOnlySpan<byte> folder, ReadOnlySpan<byte> query)
    {
        ArrayBufferWriter<byte> location = new();
        PathNames.Write(folder, location);
        if (!query.IsEmpty)
        {
            location.Write("?"u8);
            location.Write(query);
        }
        response.Begin(HttpStatus.MovedPermanently);
        response.Field("Location"u8, location.WrittenSpan);
        response.End([]);
    }

    // What lies directly in the folder: files with their sizes, folders with -1.
    private static SortedDictionary<string, long> Entries(Library library, byte[] folder)
    {
        SortedDictionary<string, long> entries = new(StringComparer.Ordinal);
        for (int number = 0; number < library.Count && entries.Count < MostEntries; number++)
        {
            ReadOnlySpan<byte> name = library.NameOf(number);
            if (!name.StartsWith(folder)) continue;
            name = name[folder.Length..];
            int slash = name.IndexOf((byte)'/');
            string entry = System.Text.Encoding.UTF8.GetString(slash < 0 ? name : name[..(slash + 1)]);
            entries[entry] = slash < 0 ? library.FactsOf(number).Size : -1;
        }
        return entries;
    }

    private static byte[] Page(byte[] folder, SortedDictionary<string, long> entries)
    {
        ArrayBufferWriter<byte> page = new();
        page.Write("<!doctype html>\n<meta charset=\"utf-8\">\n<title>/"u8);
        HtmlText.Write(folder, page);
        page.Write("</title>\n<h1>/"u8);
        HtmlText.Write(folder, page);
        page.Write("</h1>\n<table>\n"u8);
        if (folder.Length > 0) page.Write("<tr><td><a href=\"../\">../</a>\n"u8);
        ArrayBufferWriter<byte> path = new();
        foreach ((string entry, long size) in entries)
        {
            byte[] name = System.Text.Encoding.UTF8.GetBytes(entry);
            path.ResetWrittenCount();
            PathNames.Write(name, path);
            page.Write("<tr><td><a href=\"."u8);
            HtmlText.Write(path.WrittenSpan, page);
            page.Write("\">"u8);
            HtmlText.Write(name, page);
            page.Write("</a><td align=\"right\">"u8);
            if (size >= 0) page.WriteNumber(size);
            page.Write("\n"u8);
        }
        page.Write("</table>\n"u8);
        return page.WrittenSpan.ToArray();
    }
}
