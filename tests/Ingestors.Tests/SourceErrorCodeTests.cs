using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Reading;
using Xunit;

namespace Metrics.Ingestors.Tests;

/// <summary>The words that tables and responses have for codes, kinds and states: a contract with whoever filters by them.</summary>
public sealed class SourceErrorCodeTests
{
    [Fact]
    public void Codes_kinds_and_states_have_the_words_that_were_ever_stored()
    {
        Assert.Equal(
            [
                "unreachable",
                "unauthorised",
                "throttled",
                "timeout",
                "truncated",
                "not_metrics",
                "too_large",
                "server_error",
                "redirected",
                "refused",
                "unreadable",
            ],
            Enum.GetValues<SourceErrorCode>().Select(SnakeCase.Of)
        );
        Assert.Equal(["read", "backfill", "reread", "reconcile", "healed"], Enum.GetValues<ReadKind>().Select(SnakeCase.Of));
        Assert.Equal(["reading", "whole", "partial", "failed", "fenced", "mismatch"], Enum.GetValues<RunState>().Select(SnakeCase.Of));
        Assert.Equal(["waiting", "reading", "done", "cancelled"], Enum.GetValues<BackfillState>().Select(SnakeCase.Of));
    }
}
