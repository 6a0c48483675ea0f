using System.Globalization;
using System.Reflection;
using MicroCdn.Tests.HouseRules;

namespace MicroCdn.Tests.Executable;

public sealed class ExitCodeTableTests
{
    [Fact]
    public void The_table_of_exit_codes_in_the_readme_is_the_one_in_the_code()
    {
        int[] shown = [.. Repository.Lines("README.md").SkipWhile(line => line != "| code | meaning |").Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => int.Parse(line.Split('|')[1], CultureInfo.InvariantCulture))];
        int[] known = [.. typeof(ExitCode).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(field => field.IsLiteral).Select(field => (int)field.GetRawConstantValue()!)];
        Assert.Equal(known.Order(), shown);
    }
}
