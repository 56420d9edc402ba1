using System.Globalization;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using NpgsqlTypes;

namespace Metrics.Storage.Reading;

/// <summary>Who refused something. It is part of the key: what two of them refused are different rows.</summary>
internal enum RejectionOrigin
{
    /// <summary>A read.</summary>
    Read,

    /// <summary>A recompute of an hour.</summary>
    Derived,

    /// <summary>A check of what is configured.</summary>
    Configuration,
}

/// <summary>A rejection with its key.</summary>
/// <param name="Origin">Who refused.</param>
/// <param name="Rejection">What was refused.</param>
/// <param name="Hour">The hour whose recompute concluded it.</param>
internal sealed record RejectionRecord(RejectionOrigin Origin, Rejection Rejection, DateTime? Hour)
{
    public long Id { get; } =
        Identity.Of(
            "rejection",
            SnakeCase.Of(Origin),
            Rejection.Source,
            Rejection.Subject,
            Rejection.At is { } at ? UnixMicroseconds.From(at).ToString(CultureInfo.InvariantCulture) : "",
            Rejection.Reason.ToString()
        );

    /// <summary>What is refused may be anything: PostgreSQL's text holds no NUL, and nobody reads a megabyte.</summary>
    private static string Storable(string text)
    {
        const int most = 2_000;
        if (text.Length > most)
            text = string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[most - 1]) ? most - 1 : most), " ...");
        return text.Replace('\0', '\uFFFD');
    }

    public static RowSet<RejectionRecord> Table(DateTime now, long epoch) =>
        new(
            "rejection",
            ["id"],
            [
                Column.Of("id", NpgsqlDbType.Bigint, (RejectionRecord row) => row.Id),
                Column.Of("source", NpgsqlDbType.Text, (RejectionRecord row) => row.Rejection.Source),
                Column.Of("subject", NpgsqlDbType.Text, (RejectionRecord row) => Storable(row.Rejection.Subject)),
                Column.Of("at", NpgsqlDbType.TimestampTz, (RejectionRecord row) => row.Rejection.At),
                Column.Of("reason", NpgsqlDbType.Text, (RejectionRecord row) => SnakeCase.Of(row.Rejection.Reason)),
                Column.Of("detail", NpgsqlDbType.Text, (RejectionRecord row) => Storable(row.Rejection.Detail)),
                Column.Of("first_seen", NpgsqlDbType.TimestampTz, (RejectionRecord _) => now),
                Column.Of("last_seen", NpgsqlDbType.TimestampTz, (RejectionRecord _) => now),
                Column.Of("count", NpgsqlDbType.Bigint, (RejectionRecord _) => 1L),
                Column.Of("epoch", NpgsqlDbType.Bigint, (RejectionRecord _) => epoch),
                Column.Of("hour", NpgsqlDbType.TimestampTz, (RejectionRecord row) => row.Hour),
            ],
            "first_seen",
            "last_seen",
            "hour"
        );
}
