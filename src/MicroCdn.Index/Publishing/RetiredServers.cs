using System.Text;
using MicroCdn.Protocol;
using MicroCdn.Records;

namespace MicroCdn.Index.Publishing;

/// <summary>The servers that operators retired: they get no new copies, and downloads only where nobody else has the
/// file.</summary>
/// <remarks>A set is replaced whole: readers take the one of the moment. As a row: one byte for the form, under the
/// server's id.</remarks>
internal sealed class RetiredServers
{
    private const byte Form = 1;

    private HashSet<ServerId> _all = [];

    /// <summary>Hears that another set counts.</summary>
    public Action Changed { private get; set; } = () => { };

    /// <summary>True for a server that is retired.</summary>
    public bool Has(ServerId server) => Volatile.Read(ref _all).Contains(server);

    /// <summary>The row of a server that is retired from now on, or, when it is not to be any more, without a
    /// value.</summary>
    public static RecordRow RowOf(ServerId server, bool isRetired) =>
        new((byte)BookKind.Server, Encoding.UTF8.GetBytes(server.Value), isRetired ? [Form] : null);

    /// <summary>Takes a row; false when it is none that this version can read.</summary>
    public bool TryTake(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (value is not [Form] || !ServerId.TryCreate(key, out ServerId server)) return false;
        if (!Has(server)) Replace([.. _all, server]);
        return true;
    }

    /// <summary>Takes a server out.</summary>
    public void TakeOut(ReadOnlySpan<byte> key)
    {
        if (ServerId.TryCreate(key, out ServerId server) && Has(server)) Replace([.. _all.Where(one => one != server)]);
    }

    /// <summary>Takes all out but these.</summary>
    public void KeepOnly(IEnumerable<byte[]> keys)
    {
        HashSet<string> kept = [.. keys.Select(Encoding.UTF8.GetString)];
        if (_all.Any(one => !kept.Contains(one.Value))) Replace([.. _all.Where(one => kept.Contains(one.Value))]);
    }

    private void Replace(HashSet<ServerId> all)
    {
        Volatile.Write(ref _all, all);
        Changed();
    }
}
