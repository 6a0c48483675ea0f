using MicroCdn.Protocol;

namespace MicroCdn.Caching;

/// <summary>Reads CDN-Cache-Control (RFC 9213): a dictionary that is valid as a whole, or nothing.</summary>
internal static class TargetedDirectives
{
    /// <summary>The directives; null when the field is empty, no valid dictionary, or gives a lifetime that is no
    /// integer: then it counts as absent (RFC 9213, section 2.1).</summary>
    public static Directives? Read(HeaderFields response)
    {
        StructuredDictionary members = new(response.Joined("CDN-Cache-Control"u8));
        if (!StructuredDictionary.IsValid(response.Joined("CDN-Cache-Control"u8))) return null;
        Directives directives = new() { IsTargeted = true };
        bool isEmpty = true;
        while (members.Next())
        {
            isEmpty = false;
            // Of two members with one key the last counts (RFC 9651, section 4.2.2).
            directives.Forget(members.Key);
            long seconds = Math.Clamp(members.Integer, 0, DeltaSeconds.Most);
            bool isFalse = members.Kind == StructuredKind.Boolean && !members.Boolean;
            if (directives.Number(members.Key, seconds))
            {
                if (members.Kind != StructuredKind.Integer) return null;
            }
            else if (!isFalse && !Names(members, directives) && !directives.Flag(members.Key))
            {
                directives.Permit(members.Key);
            }
        }
        return isEmpty ? null : directives;
    }

    private static bool Names(in StructuredDictionary members, Directives directives) =>
        members.Kind == StructuredKind.String && directives.NameFields(members.Key, members.Text);
}
