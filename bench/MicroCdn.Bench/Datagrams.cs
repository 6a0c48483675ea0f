using System.Globalization;

namespace MicroCdn.Bench;

/// <summary>The kernel's counts of datagrams: lost at a socket, waiting in it, taken in by the machine.</summary>
internal readonly record struct Datagrams(int Sockets, long Dropped, long WaitingBytes, long TakenByMachine)
{
    /// <summary>The counts of every UDP socket on a port, and of the whole machine.</summary>
    public static Datagrams On(int port)
    {
        int sockets = 0;
        long dropped = 0, waiting = 0;
        string end = $":{port:X4}";
        foreach (string table in (string[])["/proc/net/udp", "/proc/net/udp6"])
        {
            if (!File.Exists(table)) continue;
            foreach (string line in File.ReadLines(table).Skip(1))
            {
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (!words[1].EndsWith(end, StringComparison.Ordinal)) continue;
                sockets++;
                dropped += long.Parse(words[^1], CultureInfo.InvariantCulture);
                waiting += long.Parse(words[4].Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            }
        }
        return new Datagrams(sockets, dropped, waiting, MachineTotal());
    }

    private static long MachineTotal()
    {
        string[] lines =
            [.. File.ReadLines("/proc/net/snmp").Where(line => line.StartsWith("Udp:", StringComparison.Ordinal))];
        int column = Array.IndexOf(lines[0].Split(' '), "InDatagrams");
        return long.Parse(lines[1].Split(' ')[column], CultureInfo.InvariantCulture);
    }
}
