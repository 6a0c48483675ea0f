using System.Net;
using MicroCdn.Access;
using MicroCdn.Tests.Support;

namespace MicroCdn.Tests.Access;

public sealed class RuleTextTests
{
    [Fact]
    public void A_rule_is_a_path_conditions_and_what_is_done()
    {
        AccessRule rule = AccessRules.Rule("/a%20b/  from=10.0.0.0/8,2001:db8::/32,192.0.2.7 country=DE,FR "
            + "referrer=Example.org,*.b.org,none allow");
        Assert.Equal("/a b/", rule.Prefix);
        Assert.Equal(RuleAction.Allow, rule.Action);
        Assert.Equal([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("2001:db8::/32"), IPNetwork.Parse("192.0.2.7/32")],
            rule.From);
        Assert.Equal(["DE", "FR"], rule.Countries);
        Assert.Equal(["example.org", "*.b.org", "none"], rule.Referrers);
        Assert.Equal(RuleAction.Deny, AccessRules.Rule("/ deny").Action);
        Assert.Equal(RuleAction.Signed, AccessRules.Rule("/private/ signed").Action);
    }

    [Theory]
    [InlineData("/ rate=20/s", 50, 1, Share.Client)]
    [InlineData("/ rate=60/m burst=10 per=network", 1000, 10, Share.Network)]
    [InlineData("/ per=all burst=5 rate=3600/h", 1000, 5, Share.All)]
    public void A_rate_says_how_many_in_which_time(string text, double milliseconds, int burst, Share share)
    {
        AccessRule rule = AccessRules.Rule(text);
        Assert.Equal((RuleAction.Rate, burst, share), (rule.Action, rule.Burst, rule.Share));
        Assert.Equal(milliseconds, rule.Interval.TotalMilliseconds);
    }

    [Theory]
    [InlineData("", "a rule is a path that begins with '/', and what is done, such as '/private/ signed'")]
    [InlineData("/", "a rule is a path that begins with '/', and what is done, such as '/private/ signed'")]
    [InlineData("a signed", "a rule is a path that begins with '/', and what is done, such as '/private/ signed'")]
    [InlineData("/a//b/ deny",
        "no request has a path that begins with '/a//b/': one has no '..', no '//', and no query")]
    [InlineData("/x/../y deny",
        "no request has a path that begins with '/x/../y': one has no '..', no '//', and no query")]
    [InlineData("/a?x deny", "no request has a path that begins with '/a?x': one has no '..', no '//', and no query")]
    [InlineData("/caf%E9/ deny",
        "no request has a path that begins with '/caf%E9/': one has no '..', no '//', and no query")]
    [InlineData("/ from=10.0.0.0/8", "it does not say what is done: allow, deny, signed, or rate=20/s")]
    [InlineData("/ alow", "there is no 'alow'; did you mean 'allow'?")]
    [InlineData("/ form=10.0.0.0/8 allow", "there is no 'form=10.0.0.0/8'; did you mean 'from='?")]
    [InlineData("/ xyzzy=1 allow", "there is no 'xyzzy=1'")]
    [InlineData("/ allow deny", "it says twice what is done")]
    [InlineData("/ allow allow", "'allow' stands there twice")]
    [InlineData("/ from=1.2.3.4 from=1.2.3.5 allow", "'from' stands there twice")]
    [InlineData("/ from= allow", "from= wants networks such as 10.0.0.0/8, not ''")]
    [InlineData("/ from=10.0.0.0/8,here allow", "from= wants networks such as 10.0.0.0/8, not 'here'")]
    [InlineData("/ from=10.0.0.0/33 allow", "from= wants networks such as 10.0.0.0/8, not '10.0.0.0/33'")]
    [InlineData("/ country=de allow", "country= wants two capital letters each, such as DE,FR, not 'de'")]
    [InlineData("/ referrer=a/b allow",
        "referrer= wants hosts such as example.org or *.example.org, or none, not 'a/b'")]
    [InlineData("/ rate=20", "rate= wants requests in a time, such as 20/s, 100/m or 1000/h, not '20'")]
    [InlineData("/ rate=0/s", "rate= wants requests in a time, such as 20/s, 100/m or 1000/h, not '0/s'")]
    [InlineData("/ rate=20/d", "rate= wants requests in a time, such as 20/s, 100/m or 1000/h, not '20/d'")]
    [InlineData("/ rate=20/s burst=0", "burst= wants a number from 1 to 1000000, not '0'")]
    [InlineData("/ rate=20/s per=host", "per= wants client, network or all, not 'host'")]
    [InlineData("/ allow burst=5", "burst= and per= belong to rate=")]
    public void What_is_no_rule_is_told_why(string text, string sentence)
    {
        Assert.False(RuleText.TryParse(text, out AccessRule? rule, out string wrong));
        Assert.Equal(sentence, wrong);
        Assert.Null(rule);
    }
}
