namespace MicroCdn.Bench;

/// <summary>Measures what a million files on three servers cost the index in memory and in time.</summary>
internal static class Memory
{
    private const int Servers = 3;
    private const double Mebibyte = 1 << 20;

    public static void Run(Settings settings)
    {
        Table memory = new($"Memory of the index: {settings.Files:N0} files on {Servers} servers",
            "state", "in RAM, MiB", "above empty, bytes/file", "most so far, MiB");
        Table times = new($"Registration of {settings.Files:N0} files by one server over one connection",
            "how", "server", "seconds", "files/s", "processor seconds of the index");
        Whole(settings, memory, times);
        LineBySend(settings, times);
        memory.Print(
            $"Names have {Catalog.NameLength} bytes. Memory is VmRSS, with the runtime's shared pages and garbage.");
        times.Print();
    }

    private static void Whole(Settings settings, Table memory, Table times)
    {
        using Workspace workspace = new(settings);
        (ServerProcess index, int port) = Index.Start(workspace, $"{Machine.ServerCore}");
        Warm(port);
        index.WaitUntilQuiet(settings.Patience(10));
        long empty = index.Memory;
        AddRow("empty, warm");

        List<Registration> servers = [];
        try
        {
            for (int number = 1; number <= Servers; number++)
            {
                servers.Add(new Registration(port, number));
                Time(times, index, servers[^1], settings.Files, $"{number}", lineBySend: false);
                AddRow($"server {number} registered");
            }
            TimeSpan quiet = settings.Patience(15);
            Machine.Say($"waiting {quiet.TotalSeconds} s");
            Machine.Wait(quiet);
            AddRow($"after {quiet.TotalSeconds} s of quiet");
            Verify(port, settings.Files);
        }
        finally
        {
            foreach (Registration server in servers) server.Dispose();
        }

        void AddRow(string state)
        {
            long now = index.Memory;
            double each = (now - empty) / (double)settings.Files;
            memory.Add(state, $"{now / Mebibyte:N1}", $"{each:N1}", $"{index.MostMemory / Mebibyte:N1}");
        }
    }

    private static void LineBySend(Settings settings, Table times)
    {
        using Workspace workspace = new(settings);
        (ServerProcess index, int port) = Index.Start(workspace, $"{Machine.ServerCore}");
        Warm(port);
        using Registration server = new(port, 1);
        Time(times, index, server, settings.Files, "1", lineBySend: true);
    }

    private static void Time(
        Table times, ServerProcess index, Registration server, int files, string name, bool lineBySend)
    {
        string how = lineBySend ? "one line a send" : "64 KB a send";
        Machine.Say($"server {name} registers {files:N0} files, {how}");
        TimeSpan before = index.ProcessorTime;
        TimeSpan time = server.AddFiles(files, lineBySend);
        TimeSpan used = index.ProcessorTime - before;
        times.Add(how, name, $"{time.TotalSeconds:N2}", $"{files / time.TotalSeconds:N0}", $"{used.TotalSeconds:N2}");
    }

    public static void Warm(int port)
    {
        using Conversation conversation = new(port);
        conversation.CountLines("LIST_FILES");
        conversation.CountLines("LIST_SERVERS");
        for (int times = 0; times < 10; times++) conversation.Demand("GET nothing-here", "ERROR FILE_NOT_FOUND");
    }

    private static void Verify(int port, int files)
    {
        using Conversation conversation = new(port);
        byte[] request = new byte[5 + Catalog.NameLength];
        for (int number = 0; number < files; number += files / 100)
        {
            Catalog.WriteGet(number, request);
            conversation.Send(request);
            string answer = conversation.ReadLine();
            if (!Registration.IsRight(System.Text.Encoding.UTF8.GetBytes(answer), number))
                throw new BenchException($"The index answered `{answer}` for file {number}.");
        }
    }
}
