using MicroCdn.Index;
using MicroCdn.Index.Publishing;

namespace MicroCdn.Tests.Index;

public sealed class ReplicaSetsTests
{
    [Fact]
    public void The_same_members_are_the_same_set_by_whatever_way_they_came()
    {
        ReplicaSets sets = new();
        Random random = new(3);
        Dictionary<string, int> seen = [];
        for (int time = 0; time < 2_000; time++)
        {
            SortedSet<int> members = [];
            int set = 0;
            for (int step = 0; step < 12; step++)
            {
                int member = random.Next(6) == 0 ? ReplicaSets.Book : random.Next(5);
                bool joins = random.Next(3) > 0;
                set = joins ? sets.With(set, member) : sets.Without(set, member);
                _ = joins ? members.Add(member) : members.Remove(member);
                Assert.Equal(members.Where(one => one != ReplicaSets.Book), sets[set].Select(one => (int)one));
                Assert.Equal(members.Contains(ReplicaSets.Book), sets.HasBook(set));
                Assert.Equal(members, sets.MembersOf(set).Select(one => (int)one));
                Assert.Equal(members.Contains(member), sets.Holds(set, member));
                string key = string.Join(' ', members);
                seen.TryAdd(key, set);
                Assert.Equal(seen[key], set);
            }
        }
        Assert.Equal(seen.Count, sets.Count);
    }

    // A thousand servers have 166 million sets of three; a card once had room for half a million.
    [Fact]
    public void More_sets_than_a_plain_card_has_room_for_are_told_apart()
    {
        const int Files = 530_000;
        Catalog catalog = new(7);
        FileState state = new(5, Lists.Digest("x"), 7);
        byte[] name = "00000000"u8.ToArray();
        for (int number = 0; number < Files; number++)
        {
            Write(number);
            catalog.Publish(name, new PublishedName(1, state, 3), HoldersOf(number));
        }
        foreach (int number in new[] { 0, 1, 524_286, 524_287, 524_288, 524_289, Files - 1 })
        {
            Write(number);
            Assert.Equal(HoldersOf(number), catalog.Now.Holders(catalog.Now.Find(name), [], out FileState found));
            Assert.Equal(state, found);
            catalog.Retract(name);
            Assert.Equal(HoldersOf(number), catalog.Now.Holders(catalog.Now.Find(name), [], out found));
        }

        void Write(int number) => number.TryFormat(name, out _, "D8");
        static ushort[] HoldersOf(int number) => [(ushort)(number / 800), (ushort)(1_000 + (number % 800)), 2_000];
    }
}
