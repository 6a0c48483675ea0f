using MicroCdn.ClusterTests.Processes;

namespace MicroCdn.ClusterTests.Tools;

/// <summary>Reverse proxies from Debian that keep their connections to our server.</summary>
internal static class ReverseProxies
{
    /// <summary>A file that is asked for until it comes.</summary>
    public const string Ready = "ready";

    /// <summary>Starts one by its name; returns its port.</summary>
    public static async Task<int> StartAsync(Stage stage, string name, int target)
    {
        int port = Stage.FreePort();
        string folder = stage.MakeFolder(name);
        string settings = Path.Combine(folder, "settings");
        await File.WriteAllTextAsync(settings, name switch
        {
            "nginx" => Nginx(port, target), "haproxy" => HaProxy(port, target), _ => Varnish(target),
        });
        RunningProcess process = name switch
        {
            "nginx" => stage.Run("/usr/sbin/nginx", "-p", folder, "-e", "stderr", "-c", settings),
            "haproxy" => stage.Run("/usr/sbin/haproxy", "-db", "-f", settings),
            _ => stage.Run("/usr/sbin/varnishd", "-F", "-j", "none", "-n", folder, "-f", settings, "-a", $"127.0.0.1:{port}",
                "-s", "malloc,32m", "-p", "timeout_idle=5", "-p", "timeout_linger=1"),
        };
        await Stage.UntilAsync($"{name} passes requests on", TimeSpan.FromSeconds(60), async () =>
        {
            Assert.False(process.HasExited, process.Output);
            try
            {
                using RawConnection connection = await RawConnection.OpenAsync(port);
                await connection.SendAsync($"GET /{Ready} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                return await connection.ReadAllAsync(TimeSpan.FromSeconds(10)) is [{ Status: 200 }];
            }
            catch (System.Net.Sockets.SocketException)
            {
                return false;
            }
        });
        return port;
    }

    // Bodies are passed on as they come: that is where two programs can lose count.
    private static string Nginx(int port, int target) => $$"""
        daemon off;
        master_process off;
        worker_processes 1;
        pid nginx.pid;
        error_log stderr crit;
        events { worker_connections 512; }
        http {
          access_log off;
          client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
          client_header_timeout 5s; client_body_timeout 5s; keepalive_timeout 5s; lingering_timeout 1s; lingering_time 2s;
          upstream ours { server 127.0.0.1:{{target}}; keepalive 8; }
          server {
            listen 127.0.0.1:{{port}};
            underscores_in_headers on;
            location / {
              proxy_pass http://ours;
              proxy_http_version 1.1;
              proxy_request_buffering off;
              proxy_set_header Connection "";
              proxy_set_header Host $host;
            }
          }
        }
        """;

    private static string HaProxy(int port, int target) => $"""
        defaults
          mode http
          timeout connect 10s
          timeout server 30s
          timeout client 5s
          timeout http-request 5s
          timeout http-keep-alive 5s
          option http-keep-alive
          http-reuse always
        frontend front
          bind 127.0.0.1:{port}
          default_backend ours
        backend ours
          server one 127.0.0.1:{target}

        """;

    private static string Varnish(int target) => $$"""
        vcl 4.1;
        backend ours { .host = "127.0.0.1"; .port = "{{target}}"; }
        sub vcl_recv { return (pass); }
        """;
}
