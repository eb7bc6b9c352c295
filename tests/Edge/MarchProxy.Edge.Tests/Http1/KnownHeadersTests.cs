using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Tests.Http1;

public class KnownHeadersTests
{
    private static readonly KnownHeader[] s_all = [.. Enum.GetValues<KnownHeader>().Where(id => id != KnownHeader.Unknown)];

    [Fact]
    public void Every_known_name_is_found_in_any_case()
    {
        foreach (KnownHeader id in s_all)
        {
            string name = KnownHeaders.NameOf(id);
            Assert.Equal(id.ToString().ToLowerInvariant(), name.Replace("-", "", StringComparison.Ordinal));
            Assert.Equal(id, KnownHeaders.Find(Encoding.ASCII.GetBytes(name)));
            Assert.Equal(id, KnownHeaders.Find(Encoding.ASCII.GetBytes(name.ToUpperInvariant())));
        }
    }

    [Fact]
    public void Names_one_character_away_are_not_found()
    {
        const string tokens = "!#$%&'*+-.^_`|~09azAZ";
        var known = s_all.Select(KnownHeaders.NameOf).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (string name in known)
        {
            for (int i = 0; i < name.Length; i++)
            {
                foreach (char c in tokens)
                {
                    string changed = name[..i] + c + name[(i + 1)..];
                    if (known.Contains(changed)) continue;
                    Assert.Equal((changed, KnownHeader.Unknown), (changed, KnownHeaders.Find(Encoding.ASCII.GetBytes(changed))));
                }
            }

            foreach (string other in new[] { name + "x", "x" + name, name[1..], name[..^1] })
            {
                if (!known.Contains(other)) Assert.Equal(KnownHeader.Unknown, KnownHeaders.Find(Encoding.ASCII.GetBytes(other)));
            }
        }
    }

    [Fact]
    public void All_fit_a_word() => Assert.All(s_all, id => Assert.InRange((int)id, 1, 63));
}
