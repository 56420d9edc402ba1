using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Metrics.Storage.Tables;

/// <summary>Somebody who wants to be told, and where.</summary>
public sealed class WebhookRow
{
    public long Id { get; set; }
    public required string Url { get; set; }

    /// <summary>Types of events with commas between; empty: all.</summary>
    public required string Events { get; set; }

    /// <summary><c>standard</c> or <c>cloudevents</c>.</summary>
    public required string Format { get; set; }

    /// <summary><c>hmac</c> (v1) or <c>ed25519</c> (v1a).</summary>
    public required string Signing { get; set; }

    /// <summary>What deliveries are signed with, in base64. Whoever can read the database can read it.</summary>
    public required string Secret { get; set; }

    /// <summary>The one before; it signs too until <see cref="PreviousUntil"/>.</summary>
    public string? PreviousSecret { get; set; }
    public DateTime? PreviousUntil { get; set; }
    public string? Description { get; set; }
    public bool Enabled { get; set; }
    public string? DisabledBecause { get; set; }

    /// <summary>When the first of the attempts failed since which none came through; null when the last one did.</summary>
    public DateTime? FailingSince { get; set; }
    public DateTime CreatedAt { get; set; }
}

/// <summary>One event on its way to one webhook: written in the transaction of what it tells of.</summary>
public sealed class DeliveryRow
{
    public long Id { get; set; }
    public long WebhookId { get; set; }

    /// <summary>The same over all attempts, so that a receiver knows what it has seen.</summary>
    public required string MessageId { get; set; }
    public required string Type { get; set; }

    /// <summary>The text that is signed and sent, to the byte.</summary>
    public required string Body { get; set; }

    /// <summary><c>due</c>, <c>delivered</c> or <c>failed</c>.</summary>
    public required string State { get; set; }
    public int Attempts { get; set; }
    public DateTime CreatedAt { get; set; }
    public DateTime NextAt { get; set; }
    public string? ClaimToken { get; set; }
    public DateTime? ClaimedUntil { get; set; }
    public int? LastStatus { get; set; }
    public string? LastError { get; set; }
    public DateTime? EndedAt { get; set; }
}

/// <summary>One attempt at a delivery.</summary>
public sealed class DeliveryAttemptRow
{
    public long Id { get; set; }
    public long DeliveryId { get; set; }
    public int Attempt { get; set; }
    public DateTime At { get; set; }
    public int? Status { get; set; }
    public string? Error { get; set; }
    public int Milliseconds { get; set; }
}

/// <summary>When somebody wants to be told of an intensity.</summary>
public sealed class AlertRuleRow
{
    public long Id { get; set; }
    public required string Name { get; set; }

    /// <summary><c>threshold</c>: joules per unit; <c>drift</c>: the share by which they differ from those of the time before.</summary>
    public required string Kind { get; set; }

    /// <summary>Null: each workload by itself.</summary>
    public string? Workload { get; set; }
    public required string FunctionalUnit { get; set; }

    /// <summary><c>accelerator</c>, <c>server</c> or <c>facility</c>.</summary>
    public required string Boundary { get; set; }

    /// <summary><c>above</c> or <c>below</c>; of drift also <c>either</c>.</summary>
    public required string Comparison { get; set; }
    public double Threshold { get; set; }
    public int WindowHours { get; set; }
    public int BaselineHours { get; set; }
    public int CooldownMinutes { get; set; }
    public bool Enabled { get; set; }
    public DateTime CreatedAt { get; set; }
    public DateTime? EvaluatedAt { get; set; }
}

/// <summary>When a rule last raised an event of a workload.</summary>
public sealed class AlertRow
{
    public long RuleId { get; set; }
    public required string Workload { get; set; }
    public DateTime RaisedAt { get; set; }
}

internal sealed class WebhookTable : IEntityTypeConfiguration<WebhookRow>
{
    public void Configure(EntityTypeBuilder<WebhookRow> builder) => builder.ToTable("webhook").HasKey(row => row.Id);
}

internal sealed class DeliveryTable : IEntityTypeConfiguration<DeliveryRow>
{
    public void Configure(EntityTypeBuilder<DeliveryRow> builder)
    {
        builder.ToTable("delivery").HasKey(row => row.Id);
        builder.HasOne<WebhookRow>().WithMany().HasForeignKey(row => row.WebhookId).OnDelete(DeleteBehavior.Cascade);
        // What is due, found without what is done; what is done, for lists and for its end.
        builder.HasIndex(row => new { row.WebhookId, row.NextAt }).HasFilter("state = 'due'");
        builder.HasIndex(row => new { row.WebhookId, row.Id });
        builder.HasIndex(row => row.EndedAt);
    }
}

internal sealed class DeliveryAttemptTable : IEntityTypeConfiguration<DeliveryAttemptRow>
{
    public void Configure(EntityTypeBuilder<DeliveryAttemptRow> builder)
    {
        builder.ToTable("delivery_attempt").HasKey(row => row.Id);
        builder.HasOne<DeliveryRow>().WithMany().HasForeignKey(row => row.DeliveryId).OnDelete(DeleteBehavior.Cascade);
    }
}

internal sealed class AlertRuleTable : IEntityTypeConfiguration<AlertRuleRow>
{
    public void Configure(EntityTypeBuilder<AlertRuleRow> builder) => builder.ToTable("alert_rule").HasKey(row => row.Id);
}

internal sealed class AlertTable : IEntityTypeConfiguration<AlertRow>
{
    public void Configure(EntityTypeBuilder<AlertRow> builder)
    {
        builder.ToTable("alert").HasKey(row => new { row.RuleId, row.Workload });
        builder.HasOne<AlertRuleRow>().WithMany().HasForeignKey(row => row.RuleId).OnDelete(DeleteBehavior.Cascade);
    }
}
