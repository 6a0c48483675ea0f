namespace MicroCdn.Bench;

/// <summary>Starts nginx as the yardstick: one worker, sendfile, cached handles, no log, no keep-alive.</summary>
internal static class Nginx
{
    /// <summary>Starts one instance over a folder, on the server's core, and waits until it answers.</summary>
    /// <param name="workspace">Where its configuration and its files of its own go.</param>
    /// <param name="files">The folder it serves.</param>
    /// <param name="probe">A file in the folder.</param>
    /// <param name="port">Its port on 127.0.0.1.</param>
    /// <param name="push">tcp_nopush off: heads are not held back until the first full segment.</param>
    public static ServerProcess Start(Workspace workspace, string files, string probe, int port, bool push)
    {
        string folder = workspace.MakeFolder($"nginx-{port}");
        string configuration = Path.Combine(folder, "nginx.conf");
        File.WriteAllText(configuration, Configuration(folder, files, port, push));
        ServerProcess server = workspace.Start($"{Machine.ServerCore}",
            Machine.Program("nginx", "nginx-light"), "-e", "stderr", "-p", folder, "-c", configuration);
        server.WaitFor("nginx", () => Conversation.Answers(port, $"GET /{probe} HTTP/1.0\r\n\r", "HTTP/1.1 200 "));
        server.FindChildren();
        return server;
    }

    private static string Configuration(string folder, string files, int port, bool push) => $$"""
        daemon off;
        {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
        worker_processes 1;
        pid {{folder}}/nginx.pid;
        error_log stderr error;
        events { worker_connections 4096; }
        http {
            access_log off;
            sendfile on;
            tcp_nopush {{(push ? "off" : "on")}};
            keepalive_timeout 0;
            open_file_cache max=1000 inactive=10m;
            open_file_cache_valid 10m;
            default_type application/octet-stream;
            client_body_temp_path {{folder}}/body;
            proxy_temp_path {{folder}}/proxy;
            fastcgi_temp_path {{folder}}/fastcgi;
            uwsgi_temp_path {{folder}}/uwsgi;
            scgi_temp_path {{folder}}/scgi;
            server {
                listen 127.0.0.1:{{port}} backlog=4096;
                root {{files}};
            }
        }

        """;
}
