using System.CommandLine;
using MicroCdn.Gateway.Api.Models;
using MicroCdn.Settings;

namespace MicroCdn.Verbs;

/// <summary><c>microcdn config</c>: what the settings are, where each comes from, and whether they can be
/// used.</summary>
internal static class ConfigVerb
{
    public static Command Create()
    {
        Command verb = new("config", "Look at the settings: whether they can be used, and where each comes from.");
        verb.Subcommands.Add(CreateCheck());
        verb.Subcommands.Add(CreateShow());
        verb.Subcommands.Add(CreateSchema());
        return verb;
    }

    private static Command CreateCheck()
    {
        Argument<string[]> roles = new("role")
        {
            Description = "Roles that are to be started with these settings alone; by default those that have a "
                + "section.",
            HelpName = "ROLE",
            Arity = ArgumentArity.ZeroOrMore,
        };
        roles.AcceptOnlyFromAmong("up", "index", "monitor", "content");
        Option<string?> file = Named();
        Option<bool> json = Flags.JsonLines();
        Command verb = new("check", "Say whether roles can be started with the settings, and if not, why.")
        {
            roles, file, json,
        };
        verb.SetAction(parsed => Guard(() =>
        {
            IReadOnlyList<RoleCheck> checks = SettingsCheck.Of(
                CommandLine.CreateRoot(), parsed.GetValue(file), SettingsPlaces.Real, parsed.GetValue(roles)!);
            bool isJson = parsed.GetValue(json);
            // A value at the top is wrong for each role that has it, and is told once.
            string[] faults = [.. checks.SelectMany(check => check.Faults).Distinct()];
            if (!isJson) foreach (string fault in faults) Messages.Say(fault);
            RoleCheck[] shown = [.. checks.Where(check => check.IsWhole)];
            int printed = isJson ? new VerbAnswer(true).PrintList(shown, _ => "", check =>
                [("role", check.Role), ("settings", check.Reading.Given.Count), ("faults", check.Faults)])
                : faults.Length > 0 ? ExitCode.Done : Messages.Print(() =>
                {
                    foreach (RoleCheck check in shown) Messages.Line(Sentence(check));
                    if (shown.Length == 0) Messages.Line("no role has a section; what there is can be used");
                });
            return printed != ExitCode.Done ? printed : faults.Length > 0 ? ExitCode.Usage : ExitCode.Done;
        }));
        return verb;
    }

    private static Command CreateShow()
    {
        Argument<string> role = new("role") { Description = "The role.", HelpName = "ROLE" };
        role.AcceptOnlyFromAmong("up", "index", "monitor", "content");
        Option<string?> file = Named();
        Option<bool> all = new("--all") { Description = "Also what nobody said, with its default." };
        Option<bool> json = Flags.Json();
        Command verb = new("show", "Show each setting of a role that somebody gave, and where it comes from.")
        {
            role, file, all, json,
        };
        verb.SetAction(parsed => Guard(() =>
        {
            Reading reading = CommandLine.Read(CommandLine.CreateRoot(),
                SettingsCheck.WordsOf(parsed.GetValue(role)!, parsed.GetValue(file)), SettingsPlaces.Real);
            SettingView[] rows = [.. EffectiveSettings.Of(reading.Parsed)
                .Where(one => parsed.GetValue(all) || one.Source != "default")];
            int printed = parsed.GetValue(json)
                ? Messages.PrintJson(rows, MicroCdn.Api.ApiShapes.Printed.SettingViewArray)
                : Messages.Print(() =>
                {
                    using PlainLines output = new();
                    foreach (string line in Columns.Lines(["SETTING", "VALUE", "FROM"],
                        [.. rows.Select(one => (string[])[one.Key, one.Value, one.Source])]))
                    {
                        output.WriteLine(line);
                    }
                });
            if (reading.Wrong is null) return printed;
            Messages.Say(reading.Wrong);
            return ExitCode.Usage;
        }));
        return verb;
    }

    private static Command CreateSchema()
    {
        Command verb = new("schema", "Print the JSON schema of a settings file, for an editor.");
        verb.SetAction(_ => Messages.Print(() =>
        {
            using PlainLines output = new();
            foreach (string line in SettingsSchema.Of(CommandLine.CreateRoot()).TrimEnd('\n').Split('\n'))
            {
                output.WriteLine(line);
            }
        }));
        return verb;
    }

    private static string Sentence(RoleCheck check)
    {
        string[] sources = [.. check.Reading.Given.Select(given => given.Source).Distinct()];
        string from = sources.Length == 0 ? "" : $" from {string.Join(" and ", sources)}";
        return $"{check.Role} can be started: {check.Reading.Given.Count} settings{from}";
    }

    private static Option<string?> Named() => Flags.Path(new Option<string?>(ConfigFlag.FlagName)
    {
        Description = "A file of settings, in place of microcdn.json.", HelpName = "FILE",
    });

    private static int Guard(Func<int> action)
    {
        try
        {
            return action();
        }
        catch (SettingsException exception)
        {
            Messages.Say(exception.Message);
            return ExitCode.Usage;
        }
    }
}
