using System.CommandLine;
using System.Globalization;
using System.Net;

namespace MicroCdn.Settings;

/// <summary>A flag of a verb, and the key that stands for it in the settings file.</summary>
internal sealed record Setting(Option Option)
{
    /// <summary>The flag, such as <c>--http-port</c>.</summary>
    public string Flag => Option.Name;

    /// <summary>The key, such as <c>httpPort</c>.</summary>
    public string Key { get; } = KeyOf(Option.Name);

    /// <summary>True when it is on or off.</summary>
    public bool IsSwitch => Option.ValueType == typeof(bool);

    /// <summary>True when its values are pairs, which the file may hold as an object.</summary>
    public bool HoldsPairs => Option.HelpName?.Contains('=', StringComparison.Ordinal) == true;

    /// <summary>True when it may be given more than once.</summary>
    public bool IsRepeated => Option.Arity.MaximumNumberOfValues > 1;

    /// <summary>True when its values are paths of files or folders.</summary>
    public bool NamesPath => Option.HelpName is "FILE" or "DIR";

    /// <summary>What the flag's value is called in the help; empty for one that is on or off.</summary>
    public string ValueName => IsSwitch ? "" : Option.HelpName ?? "";

    /// <summary>What holds when neither the command line nor the file says anything.</summary>
    public string Default => Option.Required ? "required" : !Option.HasDefaultValue ? IsSwitch ? "off" : "none"
        : Option.GetDefaultValue() switch
        {
            null => "none",
            bool on => on ? "on" : "off",
            Array { Length: 0 } => "none",
            TimeSpan time => TimeText.Of(time),
            IPAddress address => address.ToString(),
            var value => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
        };

    /// <summary>The settings of a verb.</summary>
    public static IEnumerable<Setting> Of(Command verb) =>
        verb.Options.Where(option => option.Name != ConfigFlag.FlagName).Select(option => new Setting(option));

    private static string KeyOf(string flag)
    {
        string[] words = flag.TrimStart('-').Split('-');
        return words[0] + string.Concat(words.Skip(1).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
    }
}
