namespace MicroCdn.Http.Http2;

/// <summary>Hears the fields of a header block, in their order.</summary>
internal interface IFields
{
    /// <summary>One field; the spans are good only until the call returns.</summary>
    void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value);
}

/// <summary>Reads the header blocks of one connection (HPACK, RFC 7541).</summary>
/// <remarks>A block must be read to its end even when its request is refused: the next one builds on it.</remarks>
internal sealed class HeaderDecoder
{
    /// <summary>The room that strings need, when a block has at most <see cref="Http2Limits.BlockBytes"/>: all of them
    /// decoded, and one name from the table.</summary>
    public const int ScratchBytes = 64 * 1024;

    private readonly DynamicTable _table = new();

    /// <summary>Hands out every field of a whole block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="scratch">Room for strings, <see cref="ScratchBytes"/> long.</param>
    /// <param name="fields">Who hears of them.</param>
    /// <returns>False when it cannot be decoded: the connection is lost (RFC 9113, section 4.3).</returns>
    public bool TryDecode(ReadOnlySpan<byte> block, Span<byte> scratch, IFields fields)
    {
        bool began = false;
        while (!block.IsEmpty)
        {
            byte first = block[0];
            if (first is >= 0x20 and < 0x40)
            {
                // A change of the table's size stands before all fields (RFC 7541, section 4.2).
                if (began || !TryNumber(ref block, 5, out int size) || size > DynamicTable.MostBytes) return false;
                _table.Limit(size);
                continue;
            }
            began = true;
            if (first >= 0x80)
            {
                if (!TryNumber(ref block, 7, out int number)) return false;
                if (!TryGet(number, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)) return false;
                fields.Add(name, value);
            }
            else if (!TryLiteral(ref block, first >= 0x40, scratch, fields)) return false;
        }
        return true;
    }

    private bool TryLiteral(scoped ref ReadOnlySpan<byte> block, bool isKept, Span<byte> scratch, IFields fields)
    {
        if (!TryNumber(ref block, isKept ? 6 : 4, out int number)) return false;
        ReadOnlySpan<byte> name;
        if (number == 0)
        {
            if (!TryString(ref block, ref scratch, out name)) return false;
        }
        else
        {
            if (!TryGet(number, out name, out _)) return false;
            if (isKept && number > StaticTable.Count)
            {
                // Adding may move the table, and drop the entry that the name comes from.
                name.CopyTo(scratch);
                name = scratch[..name.Length];
                scratch = scratch[name.Length..];
            }
        }
        if (!TryString(ref block, ref scratch, out ReadOnlySpan<byte> value)) return false;
        fields.Add(name, value);
        if (isKept) _table.Add(name, value);
        return true;
    }

    private bool TryGet(int number, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = value = default;
        if (number == 0 || number > StaticTable.Count + _table.Count) return false;
        if (number > StaticTable.Count) _table.Get(number - StaticTable.Count - 1, out name, out value);
        else
        {
            name = StaticTable.NameOf(number);
            value = StaticTable.ValueOf(number);
        }
        return true;
    }

    // Section 5.2; a string that is not coded is handed out where it lies.
    private static bool TryString(
        scoped ref ReadOnlySpan<byte> block, scoped ref Span<byte> scratch, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (block.IsEmpty) return false;
        bool isCoded = block[0] >= 0x80;
        if (!TryNumber(ref block, 7, out int length) || length > block.Length) return false;
        text = block[..length];
        block = block[length..];
        if (!isCoded) return true;
        int decoded = Huffman.Decode(text, scratch);
        if (decoded < 0) return false;
        text = scratch[..decoded];
        scratch = scratch[decoded..];
        return true;
    }

    // Section 5.1; no number that is needed here takes more than four bytes behind the first.
    private static bool TryNumber(scoped ref ReadOnlySpan<byte> block, int prefix, out int number)
    {
        number = 0;
        if (block.IsEmpty) return false;
        int most = (1 << prefix) - 1;
        number = block[0] & most;
        int at = 1;
        if (number == most)
        {
            for (int shift = 0; ; shift += 7)
            {
                if (at == block.Length || shift > 21) return false;
                byte more = block[at++];
                number += (more & 0x7F) << shift;
                if (more < 0x80) break;
            }
        }
        block = block[at..];
        return true;
    }
}
