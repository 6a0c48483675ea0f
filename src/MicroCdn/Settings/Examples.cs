using System.CommandLine;

namespace MicroCdn.Settings;

/// <summary>What each verb is used for, as it is typed; the tests type all of it.</summary>
internal static class Examples
{
    private static readonly Dictionary<string, string[]> All = new()
    {
        ["microcdn"] = ["microcdn up", "microcdn get hello.txt", "microcdn status"],
        ["up"] = ["microcdn up", "microcdn up --files one --files two"],
        ["index"] = ["microcdn index", "microcdn index --http-port 8080 --trust 10.0.0.0/24"],
        ["index check"] = ["microcdn index check"],
        ["index backup"] = ["microcdn index backup book-monday.db"],
        ["index migrate"] = ["microcdn index migrate --from /srv/index --to redis://10.0.0.9"],
        ["monitor"] = ["microcdn monitor", "microcdn monitor --index 10.0.0.1:5050 --index 10.0.0.2:5050"],
        ["content"] = ["microcdn content --server-id CS1 --files /srv/files",
            "microcdn content --origin http://localhost:8000 --http-port 7003"],
        ["get"] = ["microcdn get hello.txt", "microcdn get hello.txt big.bin --out here/"],
        ["ls"] = ["microcdn ls", "microcdn ls --json"],
        ["servers"] = ["microcdn servers"],
        ["put"] = ["microcdn put app-1.2.bin releases/app.bin", "microcdn put site www --stage v1"],
        ["stat"] = ["microcdn stat releases/app.bin"],
        ["mv"] = ["microcdn mv releases/app.bin releases/app-1.2.bin"],
        ["rm"] = ["microcdn rm releases/app-1.2.bin"],
        ["sync"] = ["microcdn sync site www --delete --dry-run", "microcdn sync site www --delete --stage v2"],
        ["releases"] = ["microcdn releases"],
        ["activate"] = ["microcdn activate v2"],
        ["rollback"] = ["microcdn rollback"],
        ["unstage"] = ["microcdn unstage v1"],
        ["status"] = ["microcdn status", "microcdn status --json"],
        ["explain"] = ["microcdn explain hello.txt", "microcdn explain hello.txt --from 203.0.113.9"],
        ["top"] = ["microcdn top", "microcdn top --once --sort load"],
        ["logs"] = ["microcdn logs", "microcdn logs --since 1h --kind server"],
        ["doctor"] = ["microcdn doctor", "microcdn doctor --json"],
        ["health"] = ["microcdn health", "microcdn health --ready --at http://127.0.0.1:8082"],
        ["notify"] = ["microcdn notify test"],
        ["notify test"] = ["microcdn notify test"],
        ["notify list"] = ["microcdn notify list"],
        ["policy"] = ["microcdn policy list"],
        ["policy set"] = ["microcdn policy set releases/ --replicas 3 --zone-spread"],
        ["policy list"] = ["microcdn policy list", "microcdn policy list --json"],
        ["policy rm"] = ["microcdn policy rm releases/"],
        ["drain"] = ["microcdn drain CS1"],
        ["resume"] = ["microcdn resume CS1"],
        ["server"] = ["microcdn server retire CS2", "microcdn server resume CS2"],
        ["server retire"] = ["microcdn server retire CS2"],
        ["server resume"] = ["microcdn server resume CS2"],
        ["purge"] = ["microcdn purge /logo.png", "microcdn purge --prefix /css/ --soft"],
        ["token"] = ["microcdn token list"],
        ["token add"] = ["microcdn token add --scope publish --prefix releases/ --note 'nightly build'"],
        ["token list"] = ["microcdn token list"],
        ["token rm"] = ["microcdn token rm 3f0c9a51b2d4"],
        ["config"] = ["microcdn config check", "microcdn config show content"],
        ["config check"] = ["microcdn config check", "microcdn config check index --config fleet.json"],
        ["config show"] = ["microcdn config show index", "microcdn config show content --all --json"],
        ["config schema"] = ["microcdn config schema"],
        ["completion"] = ["microcdn completion bash"],
        ["manual"] = ["microcdn manual --out man"],
        ["key"] = ["microcdn key new"],
        ["key new"] = ["microcdn key new"],
        ["key token"] = ["microcdn key token --key-file microcdn.key --server-id CS4"],
        ["key links"] = ["microcdn key links --out links.key"],
        ["sign"] = ["microcdn sign https://cdn.example.org/private/film.mp4 --link-key links.key --for 4h",
            "microcdn sign /private/ --folder --link-key links.key"],
        ["key join"] = ["microcdn key join 10.0.0.1:5050 --token-file token"],
    };

    /// <summary>The examples of a verb.</summary>
    public static IReadOnlyList<string> Of(Command verb) => All.GetValueOrDefault(Unknown.PathOf(verb), []);
}
