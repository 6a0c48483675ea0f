using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json.Nodes;
using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>A browser plays from a content server.</summary>
[Trait("Needs", "chromium")]
public sealed class ChromiumTests
{
    private const int Seconds = 240;
    private const int BytesEachSecond = 44_100 * 4;

    private const string Page = """
        <!doctype html><title>seek</title><audio id="audio" preload="metadata" src="tone.wav"></audio>
        <script>
        window.seeked = new Promise((done, failed) => {
          const audio = document.getElementById("audio");
          audio.onerror = () => failed(new Error("media error " + audio.error.code + ": " + audio.error.message));
          audio.onloadedmetadata = () => { audio.currentTime = audio.duration * 0.9; };
          audio.onseeked = () => {
            const from = audio.currentTime;
            audio.ontimeupdate = () => { if (audio.currentTime > from) done(from + " " + audio.duration); };
            audio.play().catch(failed);
          };
        });
        </script>
        """;

    [Fact]
    public async Task It_seeks_in_an_audio_file_by_a_range_and_plays_on_from_there()
    {
        await using Stage stage = new();
        Edge edge = await Edge.StartAsync(stage, stage.MakeFiles("site",
            ("index.html", System.Text.Encoding.UTF8.GetBytes(Page)), ("tone.wav", Tone())));
        await using DevTools chromium = await DevTools.StartAsync(stage);
        await chromium.GoAsync(edge.Url(""));
        await chromium.EvaluateAsync(
            "new Promise(done => document.readyState === 'complete' ? done(1) : addEventListener('load', () => done(1)))");

        string[] words = (await chromium.EvaluateAsync("window.seeked")).Split(' ');
        Assert.Equal(Seconds, double.Parse(words[1], CultureInfo.InvariantCulture), 1);
        Assert.Equal(Seconds * 0.9, double.Parse(words[0], CultureInfo.InvariantCulture), 1);
        long[] starts = [.. chromium.Responses.Where(response => (int)response["status"]! == 206)
            .Select(response => Start((string)response["headers"]!["Content-Range"]!))];
        Assert.Contains(starts, start => start > Seconds * BytesEachSecond / 2);
        Assert.DoesNotContain(chromium.Responses, response => (int)response["status"]! >= 400 && !IsIcon(response));
    }

    // Browsers ask for this on their own.
    private static bool IsIcon(JsonNode response) => ((string)response["url"]!).EndsWith("/favicon.ico", StringComparison.Ordinal);

    private static long Start(string contentRange) =>
        long.Parse(contentRange["bytes ".Length..contentRange.IndexOf('-', StringComparison.Ordinal)], CultureInfo.InvariantCulture);

    // PCM in two channels of 16 bits: large enough that no browser loads it ahead.
    private static byte[] Tone()
    {
        int length = Seconds * BytesEachSecond;
        byte[] wave = new byte[44 + length];
        "RIFF"u8.CopyTo(wave);
        BinaryPrimitives.WriteInt32LittleEndian(wave.AsSpan(4), 36 + length);
        "WAVEfmt "u8.CopyTo(wave.AsSpan(8));
        BinaryPrimitives.WriteInt32LittleEndian(wave.AsSpan(16), 16);
        BinaryPrimitives.WriteInt16LittleEndian(wave.AsSpan(20), 1);
        BinaryPrimitives.WriteInt16LittleEndian(wave.AsSpan(22), 2);
        BinaryPrimitives.WriteInt32LittleEndian(wave.AsSpan(24), 44_100);
        BinaryPrimitives.WriteInt32LittleEndian(wave.AsSpan(28), BytesEachSecond);
        BinaryPrimitives.WriteInt16LittleEndian(wave.AsSpan(32), 4);
        BinaryPrimitives.WriteInt16LittleEndian(wave.AsSpan(34), 16);
        "data"u8.CopyTo(wave.AsSpan(36));
        BinaryPrimitives.WriteInt32LittleEndian(wave.AsSpan(40), length);
        for (int at = 44; at < wave.Length; at += 4)
        {
            short sample = (short)(at / 4 % 100 * 100);
            BinaryPrimitives.WriteInt16LittleEndian(wave.AsSpan(at), sample);
            BinaryPrimitives.WriteInt16LittleEndian(wave.AsSpan(at + 2), sample);
        }
        return wave;
    }
}
