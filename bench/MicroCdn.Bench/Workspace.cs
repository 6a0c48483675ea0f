using System.Runtime.InteropServices;

namespace MicroCdn.Bench;

/// <summary>A temporary folder with the servers that run in it; both go at the end, also when interrupted.</summary>
internal sealed class Workspace : IDisposable
{
    private static readonly Lock Gate = new();
    private static readonly List<Workspace> Open = [];
    private static readonly List<PosixSignalRegistration> Signals = [];

    private readonly List<ServerProcess> _servers = [];
    private readonly Settings _settings;
    private int _folders;

    public Workspace(Settings settings)
    {
        _settings = settings;
        Folder = Directory.CreateTempSubdirectory("microcdn-bench-").FullName;
        lock (Gate) Open.Add(this);
    }

    /// <summary>Where everything of this benchmark lies.</summary>
    public string Folder { get; }

    /// <summary>Whether somebody asked the program to end: what fails after that is no news.</summary>
    public static bool Interrupted { get; private set; }

    /// <summary>Makes an interrupted program clean up too; called once, first.</summary>
    public static void CleanUpWhenInterrupted()
    {
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
        {
            Signals.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                Interrupted = true;
                DisposeAll();
                Environment.Exit(130);
            }));
        }
    }

    /// <summary>Makes a folder inside this one.</summary>
    public string MakeFolder(string name) => Directory.CreateDirectory(Path.Combine(Folder, name)).FullName;

    /// <summary>Writes the sample files into a folder here, and returns it.</summary>
    public string WriteFiles(params IReadOnlyList<SampleFile> files)
    {
        Machine.Say("writing the files");
        string folder = MakeFolder("files");
        foreach (SampleFile file in files) file.Write(folder);
        return folder;
    }

    /// <summary>Starts any program here, on its cores.</summary>
    public ServerProcess Start(string cores, params IReadOnlyList<string> command)
    {
        int number = Interlocked.Increment(ref _folders);
        string folder = MakeFolder($"process-{number}");
        string log = Path.Combine(Folder, $"process-{number}.log");
        ServerProcess server = ServerProcess.Start(command, cores, folder, log);
        lock (Gate) _servers.Add(server);
        return server;
    }

    /// <summary>Starts a role of MicroCDN on its cores, with a folder for its own state: a fresh one when
    /// null.</summary>
    public ServerProcess StartRole(string cores, string role, string? state, IReadOnlyList<string> flags)
    {
        state ??= MakeFolder($"state-{_folders + 1}");
        return Start(cores, [.. _settings.Program, role, .. flags, "--bind", "127.0.0.1", "--data", state]);
    }

    /// <summary>Ends a server before the others.</summary>
    public void Stop(ServerProcess server)
    {
        lock (Gate) _servers.Remove(server);
        server.Dispose();
    }

    public void Dispose()
    {
        lock (Gate)
        {
            if (!Open.Remove(this)) return;
            foreach (ServerProcess server in _servers) server.Dispose();
            _servers.Clear();
            Directory.Delete(Folder, recursive: true);
        }
    }

    private static void DisposeAll()
    {
        Workspace[] all;
        lock (Gate) all = [.. Open];
        foreach (Workspace one in all) one.Dispose();
    }
}
