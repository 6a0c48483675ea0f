using System.Xml.Linq;

namespace MicroCdn.Tests.HouseRules;

/// <summary>The plan of the house: which room may enter which, and which have a door to the world.</summary>
public sealed class RoomsTests
{
    // The table of docs/architecture.md. The compiler holds the references; this holds the project files.
    private static readonly Dictionary<string, string[]> MayReference = new()
    {
        ["Protocol"] = [],
        ["Network"] = ["Protocol"],
        ["Access"] = ["Protocol"],
        ["Http"] = ["Access", "Network", "Protocol"],
        ["Storage"] = ["Protocol"],
        ["Caching"] = ["Storage", "Protocol"],
        ["Records"] = ["Storage", "Protocol"],
        ["Index"] = ["Records", "Network", "Storage", "Protocol"],
        ["Monitor"] = ["Network", "Storage", "Protocol"],
        ["Client"] = ["Network", "Storage", "Protocol"],
        ["Content"] = ["Client", "Network", "Storage", "Protocol"],
        ["Origin"] = ["Network", "Protocol"],
        ["Edge"] = ["Access", "Content", "Caching", "Origin", "Http", "Network", "Storage", "Protocol"],
        ["Admin"] = ["Http", "Network", "Protocol"],
        ["Gateway"] = ["Admin", "Index", "Client", "Http", "Network", "Storage", "Protocol"],
    };

    private static readonly Dictionary<string, string[]> Doors = new()
    {
        ["MayUseSockets"] = ["Network", ""],
        ["MayUseDisk"] = ["Storage", "Records", ""],
        ["MayUseTerminal"] = [""],
    };

    public static TheoryData<string> Rooms => [.. Directory.GetDirectories(Path.Combine(Repository.Root, "src"))
        .Where(folder => Directory.EnumerateFiles(folder, "*.csproj").Any())
            .Select(folder => Path.GetFileName(folder)!).Order()];

    [Theory, MemberData(nameof(Rooms))]
    public void A_room_enters_only_the_rooms_of_its_row(string project)
    {
        string[] entered = [.. Project(project).Descendants("ProjectReference")
            .Select(reference => Room(Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value)))];
        string room = Room(project);
        Assert.True(room == "" || MayReference.ContainsKey(room), $"{project} is not in the table of rooms");
        string[] allowed = room == "" ? [.. MayReference.Keys] : MayReference[room];
        Assert.Empty(entered.Except(allowed));
    }

    [Theory, MemberData(nameof(Rooms))]
    public void A_room_has_only_the_doors_of_its_row(string project)
    {
        foreach ((string door, string[] rooms) in Doors)
        {
            bool open = Project(project).Descendants(door).Any(element => element.Value == "true");
            Assert.False(open && !rooms.Contains(Room(project)), $"{project} must not have {door}");
        }
        Assert.Empty(Project(project).Descendants("FrameworkReference"));
    }

    private static readonly string[] Insiders =
        ["MicroCdn.Tests", "MicroCdn.ClusterTests", "MicroCdn.Testing", "MicroCdn.Bench", "MicroCdn.Fuzz"];

    [Theory, MemberData(nameof(Rooms))]
    public void Only_tests_and_benchmarks_see_the_inside_of_a_room(string project) =>
        Assert.Empty(Project(project).Descendants("InternalsVisibleTo").Select(seen => seen.Attribute("Include")!.Value)
            .Except(Insiders));

    [Theory, MemberData(nameof(Rooms))]
    public void A_room_is_no_drawer_for_leftovers(string project) =>
        Assert.DoesNotContain(Room(project),
            new[] { "Common", "Core", "Utils", "Abstractions", "Services", "Managers" });

    // The executable is the room without a name of its own.
    private static string Room(string project) => project == "MicroCdn" ? "" : project["MicroCdn.".Length..];

    private static XDocument Project(string project) =>
        XDocument.Parse(Repository.Text($"src/{project}/{project}.csproj"));
}
