namespace MicroCdn.Bench;

/// <summary>A cache in front of the bench's own origin, on the server's core.</summary>
internal sealed record Caches(string Name, ServerProcess Process, int Port)
{
    private const string Probe = "keep/16/probe";

    /// <summary>Whether it answers through its origin.</summary>
    public bool Answers => Conversation.Answers(
        Port, $"GET /{Probe} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r", "HTTP/1.1 200 ");

    /// <summary>Ours: a content server with nothing but an origin, and no fleet.</summary>
    public static Caches Ours(Workspace workspace, WebOrigin origin, params IReadOnlyList<string> more)
    {
        Caches cache = Begin(workspace, origin, workspace.MakeFolder($"ours-{Machine.FreePort()}"), more);
        cache.Process.WaitFor("microcdn content", () => cache.Answers);
        return cache;
    }

    /// <summary>Ours, with a folder that may know copies already; waits for nothing.</summary>
    public static Caches Begin(
        Workspace workspace, WebOrigin origin, string folder, params IReadOnlyList<string> more)
    {
        int port = Machine.FreePort();
        ServerProcess process = workspace.StartRole($"{Machine.ServerCore}", "content", null,
            ["--origin", origin.Url, "--cache", Path.Combine(folder, "copies"), "--http-port", $"{port}", .. more]);
        return new Caches("microcdn", process, port);
    }

    /// <summary>nginx with proxy_cache: one worker, sendfile, cached handles, one fetch for all who wait.</summary>
    public static Caches Nginx(Workspace workspace, WebOrigin origin, bool holds)
    {
        int port = Machine.FreePort();
        string folder = workspace.MakeFolder($"nginx-{port}");
        string configuration = Path.Combine(folder, "nginx.conf");
        File.WriteAllText(configuration, NginxConfiguration(folder, origin, port, holds));
        ServerProcess process = workspace.Start($"{Machine.ServerCore}",
            Machine.Program("nginx", "nginx-light"), "-e", "stderr", "-p", folder, "-c", configuration);
        Caches cache = new($"nginx, tcp_nopush {(holds ? "on" : "off")}", process, port);
        process.WaitFor("nginx", () => cache.Answers);
        process.FindChildren();
        return cache;
    }

    /// <summary>Varnish with its copies in memory.</summary>
    public static Caches Varnish(Workspace workspace, WebOrigin origin)
    {
        int port = Machine.FreePort();
        ServerProcess process = workspace.Start($"{Machine.ServerCore}", Machine.Program("varnishd", "varnish"),
            "-F", "-j", "none", "-a", $"127.0.0.1:{port}", "-b", $"127.0.0.1:{origin.Port}", "-T", "none",
            "-s", "malloc,256m", "-n", workspace.MakeFolder($"varnish-{port}"));
        Caches cache = new("varnish", process, port);
        process.WaitFor("varnish", () => cache.Answers);
        process.FindChildren();
        return cache;
    }

    private static string NginxConfiguration(string folder, WebOrigin origin, int port, bool holds) => $$"""
        daemon off;
        {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
        worker_processes 1;
        pid {{folder}}/nginx.pid;
        error_log stderr error;
        events { worker_connections 4096; }
        http {
            access_log off;
            sendfile on;
            tcp_nopush {{(holds ? "on" : "off")}};
            keepalive_timeout 300;
            keepalive_requests 1000000000;
            open_file_cache max=1000 inactive=10m;
            open_file_cache_valid 10m;
            client_body_temp_path {{folder}}/body;
            proxy_temp_path {{folder}}/proxy;
            fastcgi_temp_path {{folder}}/fastcgi;
            uwsgi_temp_path {{folder}}/uwsgi;
            scgi_temp_path {{folder}}/scgi;
            proxy_cache_path {{folder}}/cache levels=1:2 keys_zone=copies:64m max_size=4g inactive=1d
                use_temp_path=off;
            upstream origin { server 127.0.0.1:{{origin.Port}}; keepalive 128; }
            server {
                listen 127.0.0.1:{{port}} backlog=4096;
                location / {
                    proxy_pass http://origin;
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_cache copies;
                    proxy_cache_lock on;
                }
            }
        }

        """;
}
