namespace MicroCdn.Bench;

/// <summary>How nginx is set up for one comparison.</summary>
internal sealed record NginxOptions
{
    /// <summary>tcp_nopush on: a head is held back until the first full segment.</summary>
    public bool Holds { get; init; }

    /// <summary>Connections are kept open.</summary>
    public bool Keeps { get; init; }

    /// <summary>The certificate for TLS, with HTTP/2; clear text when null.</summary>
    public Certificate? Certificate { get; init; }
}

/// <summary>nginx as the yardstick: one worker, sendfile, cached handles, no log.</summary>
internal sealed record Nginx(string Name, ServerProcess Process, int Port)
{
    /// <summary>Starts one instance over a folder, on the server's core, and waits until it answers.</summary>
    /// <param name="workspace">Where its configuration and its files of its own go.</param>
    /// <param name="files">The folder it serves.</param>
    /// <param name="probe">A file in the folder.</param>
    /// <param name="options">What it does with connections.</param>
    public static Nginx Start(Workspace workspace, string files, string probe, NginxOptions options)
    {
        int port = Machine.FreePort(), clear = options.Certificate is null ? port : Machine.FreePort();
        string folder = workspace.MakeFolder($"nginx-{port}");
        string configuration = Path.Combine(folder, "nginx.conf");
        File.WriteAllText(configuration, Configuration(folder, files, port, clear, options));
        ServerProcess server = workspace.Start($"{Machine.ServerCore}",
            Machine.Program("nginx", "nginx-light"), "-e", "stderr", "-p", folder, "-c", configuration);
        server.WaitFor("nginx", () => Conversation.Answers(clear, $"GET /{probe} HTTP/1.0\r\n\r", "HTTP/1.1 200 "));
        server.FindChildren();
        return new Nginx($"nginx, tcp_nopush {(options.Holds ? "on" : "off")}", server, port);
    }

    private static string Configuration(string folder, string files, int port, int clear, NginxOptions options) => $$"""
        daemon off;
        {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
        worker_processes 1;
        pid {{folder}}/nginx.pid;
        error_log stderr error;
        events { worker_connections 4096; }
        http {
            access_log off;
            sendfile on;
            tcp_nopush {{(options.Holds ? "on" : "off")}};
            keepalive_timeout {{(options.Keeps ? "300" : "0")}};
            keepalive_requests 1000000000;
            open_file_cache max=1000 inactive=10m;
            open_file_cache_valid 10m;
            default_type application/octet-stream;
            client_body_temp_path {{folder}}/body;
            proxy_temp_path {{folder}}/proxy;
            fastcgi_temp_path {{folder}}/fastcgi;
            uwsgi_temp_path {{folder}}/uwsgi;
            scgi_temp_path {{folder}}/scgi;
            server {
                listen 127.0.0.1:{{clear}} backlog=4096;
                {{Secure(port, options.Certificate)}}
                root {{files}};
            }
        }

        """;

    private static string Secure(int port, Certificate? certificate) => certificate is null ? "" : $"""
        listen 127.0.0.1:{port} ssl http2 backlog=4096;
                ssl_certificate {certificate.Chain};
                ssl_certificate_key {certificate.Key};
        """;
}
