namespace MicroCdn.Edge;

/// <summary>The table of media types: one row for each, with the ends of the names that it stands for.</summary>
/// <remarks>Types are IANA's where it has one. Text that people write is UTF-8, and says so.</remarks>
internal static class MediaTypeTable
{
    private const string Table = """
        text/html; charset=utf-8                html htm shtml
        text/css; charset=utf-8                 css
        text/javascript; charset=utf-8          js mjs cjs
        text/plain; charset=utf-8               txt text log conf cfg ini diff patch nfo asc sha1 sha256 sha512 md5 sfv
        text/markdown; charset=utf-8            md markdown
        text/csv; charset=utf-8                 csv
        text/tab-separated-values; charset=utf-8 tsv
        text/calendar; charset=utf-8            ics
        text/vcard; charset=utf-8               vcf
        text/vtt; charset=utf-8                 vtt
        text/x-subrip; charset=utf-8            srt
        text/x-python; charset=utf-8            py
        text/x-c; charset=utf-8                 c h cc cpp cxx hpp
        text/x-csharp; charset=utf-8            cs
        text/x-java-source; charset=utf-8       java
        text/x-go; charset=utf-8                go
        text/x-rust; charset=utf-8              rs
        text/x-ruby; charset=utf-8              rb
        text/x-perl; charset=utf-8              pl pm
        text/x-lua; charset=utf-8               lua
        text/x-tex; charset=utf-8               tex
        text/x-shellscript; charset=utf-8       sh bash
        text/x-typescript; charset=utf-8        tsx
        text/jsx; charset=utf-8                 jsx
        text/x-rst; charset=utf-8               rst
        application/json                        json map
        application/ld+json                     jsonld
        application/geo+json                    geojson
        application/manifest+json               webmanifest
        application/jsonl                       jsonl ndjson
        application/xml                         xml xsl xsd rng
        application/xhtml+xml                   xhtml xht
        application/rss+xml                     rss
        application/atom+xml                    atom
        application/metalink4+xml               meta4
        application/metalink+xml                metalink
        application/yaml                        yaml yml
        application/toml                        toml
        application/sql                         sql
        application/wasm                        wasm
        application/rtf                         rtf
        application/postscript                  ps eps
        application/vnd.apple.mpegurl           m3u8
        audio/x-mpegurl                         m3u
        application/dash+xml                    mpd
        application/vnd.google-earth.kml+xml    kml
        application/gpx+xml                     gpx
        application/pgp-signature               sig
        application/pgp-keys                    gpg pgp
        application/x-x509-ca-cert              crt cer der
        application/x-pem-file                  pem
        application/gzip                        gz tgz
        application/zip                         zip
        application/zstd                        zst tzst
        application/x-xz                        xz txz
        application/x-bzip2                     bz2 tbz2
        application/x-brotli                    br
        application/x-lz4                       lz4
        application/x-lzip                      lz
        application/x-7z-compressed             7z
        application/vnd.rar                     rar
        application/x-tar                       tar
        application/x-cpio                      cpio
        application/vnd.debian.binary-package   deb udeb ddeb
        application/x-rpm                       rpm drpm
        application/java-archive                jar war
        application/vnd.android.package-archive apk aab
        application/vnd.snap                    snap
        application/vnd.flatpak                 flatpak
        application/vnd.flatpak.ref             flatpakref
        application/vnd.appimage                appimage
        application/vnd.microsoft.portable-executable exe dll
        application/x-msi                       msi
        application/msix                        msix msixbundle
        application/x-apple-diskimage           dmg
        application/vnd.apple.installer+xml     mpkg
        application/x-xpinstall                 xpi
        application/vnd.efi.iso                 iso
        application/x-bittorrent                torrent
        application/pdf                         pdf
        application/epub+zip                    epub
        application/msword                      doc
        application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
        application/vnd.ms-excel                xls
        application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
        application/vnd.ms-powerpoint           ppt
        application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
        application/vnd.oasis.opendocument.text odt
        application/vnd.oasis.opendocument.spreadsheet ods
        application/vnd.oasis.opendocument.presentation odp
        application/vnd.sqlite3                 sqlite sqlite3
        application/vnd.apache.parquet          parquet
        image/png                               png
        image/apng                              apng
        image/jpeg                              jpg jpeg jfif
        image/gif                               gif
        image/webp                              webp
        image/avif                              avif
        image/heic                              heic
        image/jxl                               jxl
        image/svg+xml                           svg
        image/bmp                               bmp
        image/tiff                              tif tiff
        image/vnd.microsoft.icon                ico
        image/ktx2                              ktx2
        audio/mpeg                              mp3
        audio/mp4                               m4a
        audio/aac                               aac
        audio/ogg                               ogg oga opus
        audio/flac                              flac
        audio/wav                               wav
        audio/webm                              weba
        audio/midi                              mid midi
        video/mp4                               mp4 m4v
        video/iso.segment                       m4s
        video/webm                              webm
        video/ogg                               ogv
        video/mp2t                              ts
        video/matroska                          mkv
        video/quicktime                         mov
        video/x-msvideo                         avi
        video/mpeg                              mpg mpeg
        font/woff                               woff
        font/woff2                              woff2
        font/ttf                                ttf
        font/otf                                otf
        font/collection                         ttc
        application/vnd.ms-fontobject           eot
        model/gltf+json                         gltf
        model/gltf-binary                       glb
        model/stl                               stl
        model/obj                               obj
        """;

    /// <summary>Types worth compressing whose names do not say so, in lower case.</summary>
    public static byte[][] TextLike { get; } =
    [
        [.. "application/json"u8], [.. "application/jsonl"u8], [.. "application/javascript"u8],
        [.. "application/xml"u8], [.. "application/yaml"u8], [.. "application/toml"u8], [.. "application/sql"u8],
        [.. "application/wasm"u8], [.. "application/rtf"u8], [.. "application/postscript"u8],
        [.. "application/vnd.apple.mpegurl"u8], [.. "audio/x-mpegurl"u8], [.. "application/x-pem-file"u8],
        [.. "application/vnd.ms-fontobject"u8], [.. "application/x-tar"u8], [.. "image/bmp"u8],
        [.. "image/vnd.microsoft.icon"u8], [.. "font/ttf"u8], [.. "font/otf"u8], [.. "font/collection"u8],
        [.. "model/obj"u8],
    ];

    /// <summary>Every row: a type, and the endings in lower case, without the dot.</summary>
    public static IEnumerable<(MediaType Type, string[] Endings)> Rows => Table.Split('\n').Select(Row);

    private static (MediaType Type, string[] Endings) Row(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int typeWords = words[0].EndsWith(';') ? 2 : 1;
        return (new MediaType(string.Join(' ', words[..typeWords])), words[typeWords..]);
    }
}
