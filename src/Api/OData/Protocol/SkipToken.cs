using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Metrics.Api.OData.Protocol;

/// <summary>
/// Where a page ended: the values of its last row in the columns that order the pages, keys included. Signed together with
/// the query it belongs to, so that it opens nothing else and cannot be made up.
/// </summary>
internal sealed class SkipToken(byte[] key)
{
    private const int SignatureBytes = 16;

    /// <summary>Writes a token.</summary>
    /// <param name="query">What the token is bound to: set, filter and order.</param>
    /// <param name="values">Null, long, double, string, DateOnly or UTC DateTime each.</param>
    public string Write(string query, IReadOnlyList<object?> values)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        foreach (var value in values)
        {
            switch (value)
            {
                case null:
                    writer.Write((byte)0);
                    break;
                case long number:
                    writer.Write((byte)1);
                    writer.Write(number);
                    break;
                case double number:
                    writer.Write((byte)2);
                    writer.Write(BitConverter.DoubleToInt64Bits(number));
                    break;
                case string text:
                    writer.Write((byte)3);
                    writer.Write(text);
                    break;
                case DateOnly date:
                    writer.Write((byte)4);
                    writer.Write(date.DayNumber);
                    break;
                case DateTime time:
                    writer.Write((byte)5);
                    writer.Write(time.Ticks);
                    break;
                default:
                    throw new InvalidOperationException($"A row cannot be continued after a {value.GetType().Name}.");
            }
        }
        writer.Flush();
        var payload = stream.ToArray();
        writer.Write(Sign(query, payload));
        writer.Flush();
        return Base64Url.EncodeToString(stream.ToArray());
    }

    /// <summary>Reads a token.</summary>
    /// <exception cref="ODataError">It was not written here for that query.</exception>
    public object?[] Read(string query, string token, int count)
    {
        byte[] bytes;
        try
        {
            bytes = Base64Url.DecodeFromChars(token);
        }
        catch (FormatException)
        {
            throw Invalid();
        }
        if (bytes.Length < SignatureBytes)
            throw Invalid();
        var payload = bytes[..^SignatureBytes];
        if (!CryptographicOperations.FixedTimeEquals(Sign(query, payload), bytes.AsSpan(payload.Length)))
            throw Invalid();
        using var reader = new BinaryReader(new MemoryStream(payload), Encoding.UTF8);
        var values = new object?[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = reader.ReadByte() switch
            {
                0 => null,
                1 => reader.ReadInt64(),
                2 => BitConverter.Int64BitsToDouble(reader.ReadInt64()),
                3 => reader.ReadString(),
                4 => DateOnly.FromDayNumber(reader.ReadInt32()),
                _ => new DateTime(reader.ReadInt64(), DateTimeKind.Utc),
            };
        }
        return values;
    }

    private byte[] Sign(string query, byte[] payload)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        var text = Encoding.UTF8.GetBytes(query);
        hmac.AppendData(BitConverter.GetBytes(text.Length));
        hmac.AppendData(text);
        hmac.AppendData(payload);
        return hmac.GetHashAndReset()[..SignatureBytes];
    }

    private static ODataError Invalid() =>
        ODataError.BadRequest(
            "InvalidSkipToken",
            "The $skiptoken does not belong to this query, or was given by a service on another database: follow nextLinks as "
                + "they are, from the first page.",
            "$skiptoken"
        );
}
