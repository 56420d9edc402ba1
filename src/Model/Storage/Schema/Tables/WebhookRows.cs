using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Schema.Tables;

/// <summary>Who wants to be told, and how that goes.</summary>
public sealed class WebhookRow
{
    /// <summary><c>wh_</c> and 32 hexadecimal digits.</summary>
    public required string Id { get; set; }
    public required string Url { get; set; }
    public string? Description { get; set; }

    /// <summary>Types of events wanted, separated by a space; empty: all.</summary>
    public required string Types { get; set; }

    /// <summary><c>standard</c> or <c>cloudevents</c>.</summary>
    public required string Format { get; set; }

    /// <summary><c>hmac</c> or <c>ed25519</c>.</summary>
    public required string Signing { get; set; }
    public bool Enabled { get; set; }

    /// <summary>Why it is not: <c>asked</c>, <c>gone</c> or <c>failing</c>.</summary>
    public string? DisabledReason { get; set; }
    public DateTime? DisabledAt { get; set; }

    /// <summary>The first failure since the last success.</summary>
    public DateTime? FailingSince { get; set; }

    /// <summary>The receiver asked for quiet until then.</summary>
    public DateTime? PausedUntil { get; set; }
    public DateTime CreatedAt { get; set; }
    public DateTime UpdatedAt { get; set; }
}

/// <summary>What a webhook's deliveries are signed with.</summary>
public sealed class WebhookSecretRow
{
    public long Id { get; set; }
    public required string WebhookId { get; set; }

    /// <summary>The bytes of the secret: of HMAC the key, of Ed25519 the seed.</summary>
    public required byte[] Secret { get; set; }
    public DateTime MadeAt { get; set; }

    /// <summary>It signs until then; null: until another one is made.</summary>
    public DateTime? ValidUntil { get; set; }
}

/// <summary>What is told of one event, in the very bytes that are signed and sent.</summary>
public sealed class WebhookMessageRow
{
    /// <summary>The receiver's idempotency key: <c>msg_</c> and 32 hexadecimal digits.</summary>
    public required string Id { get; set; }

    /// <summary>The event; null: a test.</summary>
    public long? EventId { get; set; }
    public required string Type { get; set; }
    public DateTime At { get; set; }

    /// <summary>JSON as Standard Webhooks wants it.</summary>
    public required byte[] Standard { get; set; }

    /// <summary>JSON of a structured CloudEvent.</summary>
    public required byte[] CloudEvent { get; set; }
}

/// <summary>One message on its way to one webhook.</summary>
public sealed class WebhookDeliveryRow
{
    public long Id { get; set; }
    public required string WebhookId { get; set; }
    public required string MessageId { get; set; }

    /// <summary><c>due</c>, <c>delivered</c> or <c>failed</c>.</summary>
    public required string State { get; set; }

    /// <summary>Failed attempts of this round of the schedule; a replay begins another.</summary>
    public int Step { get; set; }

    /// <summary>Attempts of all rounds.</summary>
    public int Attempts { get; set; }
    public DateTime CreatedAt { get; set; }
    public DateTime NextAt { get; set; }

    /// <summary>Whose it is now; nobody's after <see cref="ClaimedUntil"/>.</summary>
    public string? ClaimToken { get; set; }
    public DateTime? ClaimedUntil { get; set; }
    public DateTime? EndedAt { get; set; }
}

/// <summary>One attempt of a delivery.</summary>
public sealed class WebhookAttemptRow
{
    public long Id { get; set; }
    public long DeliveryId { get; set; }

    /// <summary>From 1 on.</summary>
    public int Number { get; set; }
    public DateTime At { get; set; }
    public int Milliseconds { get; set; }

    /// <summary>What the receiver answered; null: nothing.</summary>
    public int? StatusCode { get; set; }
    public string? ErrorCode { get; set; }
    public string? Error { get; set; }
}

internal sealed class WebhookTables
    : IEntityTypeConfiguration<WebhookRow>,
        IEntityTypeConfiguration<WebhookSecretRow>,
        IEntityTypeConfiguration<WebhookMessageRow>,
        IEntityTypeConfiguration<WebhookDeliveryRow>,
        IEntityTypeConfiguration<WebhookAttemptRow>
{
    public void Configure(EntityTypeBuilder<WebhookRow> builder) => builder.ToTable("webhook").HasKey(row => row.Id);

    public void Configure(EntityTypeBuilder<WebhookSecretRow> builder)
    {
        builder.ToTable("webhook_secret").HasKey(row => row.Id);
        builder.HasIndex(row => row.WebhookId);
        builder.HasOne<WebhookRow>().WithMany().HasForeignKey(row => row.WebhookId).OnDelete(DeleteBehavior.Cascade);
    }

    public void Configure(EntityTypeBuilder<WebhookMessageRow> builder)
    {
        builder.ToTable("webhook_message").HasKey(row => row.Id);
        builder.HasIndex(row => row.EventId).IsUnique();
        builder.HasIndex(row => row.At);
    }

    public void Configure(EntityTypeBuilder<WebhookDeliveryRow> builder)
    {
        builder.ToTable("webhook_delivery").HasKey(row => row.Id);
        // A message goes to a webhook once.
        builder.HasIndex(row => new { row.MessageId, row.WebhookId }).IsUnique();
        // What is due is little beside what was delivered, and it is asked for all the time.
        builder.HasIndex(row => new { row.WebhookId, row.NextAt }).HasFilter("state = 'due'");
        builder.HasIndex(row => new { row.WebhookId, row.Id });
        builder.HasIndex(row => row.EndedAt);
        builder.HasOne<WebhookRow>().WithMany().HasForeignKey(row => row.WebhookId).OnDelete(DeleteBehavior.Cascade);
        builder.HasOne<WebhookMessageRow>().WithMany().HasForeignKey(row => row.MessageId).OnDelete(DeleteBehavior.Cascade);
    }

    public void Configure(EntityTypeBuilder<WebhookAttemptRow> builder)
    {
        builder.ToTable("webhook_attempt").HasKey(row => row.Id);
        builder.HasIndex(row => row.DeliveryId);
        builder.HasOne<WebhookDeliveryRow>().WithMany().HasForeignKey(row => row.DeliveryId).OnDelete(DeleteBehavior.Cascade);
    }
}
