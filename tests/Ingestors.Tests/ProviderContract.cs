using System.Diagnostics;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;
using Xunit;

namespace Metrics.Ingestors.Tests;

/// <summary>How the far side of a contract test behaves.</summary>
public enum FarSide
{
    /// <summary>It answers, and what it has in the window takes at least two pages.</summary>
    Answers,

    /// <summary>It answers that it has nothing in the window.</summary>
    IsEmpty,

    /// <summary>429, or the provider's own code for it, asking for seven seconds of rest.</summary>
    Throttles,

    /// <summary>503 at every request.</summary>
    Breaks,

    /// <summary>An answer that stops in the middle.</summary>
    Cuts,

    /// <summary>A head, and then nothing.</summary>
    Hangs,

    /// <summary>An HTML page with status 200, as a login page or a proxy sends it.</summary>
    SendsHtml,

    /// <summary>A body without end.</summary>
    Floods,

    /// <summary>Credentials that it does not accept.</summary>
    Refuses,
}

/// <summary>An opened source before a far side of one kind.</summary>
/// <param name="Source">Opened as the service opens it, with a <c>Timeout</c> of about two seconds and <c>MaxBytes</c> of a few
/// megabytes.</param>
/// <param name="Catalogue">The shipped catalogue.</param>
/// <param name="Request">What to read.</param>
/// <param name="Expected">How many observations the far side has in the window when it answers. A literal.</param>
/// <param name="Exchanges">How many requests for data the far side has had so far.</param>
/// <param name="Secrets">Texts that may stand in no message: keys, tokens, passwords that the source was given.</param>
/// <param name="Close">Ends the far side.</param>
public sealed record ContractBench(
    ITelemetrySource Source,
    MetricCatalogue Catalogue,
    ReadRequest Request,
    int Expected,
    Func<int> Exchanges,
    IReadOnlyList<string> Secrets,
    Func<ValueTask> Close
) : IAsyncDisposable
{
    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        (Source as IDisposable)?.Dispose();
        await Close();
    }
}

/// <summary>What every provider owes to the reading protocol. A provider's test class inherits it and says how to open a source before a
/// far side.</summary>
public abstract class ProviderContract
{
    /// <summary>The provider: a line of <see cref="KnownProviders.All"/>.</summary>
    protected abstract IProvider Provider { get; }

    /// <summary>Folder of the provider in the repository, with its README.</summary>
    protected abstract string Folder { get; }

    /// <summary>Exchanges that reading what is there takes at least: two, unless the far side can only be read as a whole.</summary>
    protected virtual int FewestExchanges => 2;

    /// <summary>Opens a source before a far side of the kind.</summary>
    protected abstract Task<ContractBench> OpenAsync(FarSide farSide);

    [Fact]
    public async Task Everything_that_is_there_is_read_page_by_page_and_is_mapped_and_lies_in_the_window()
    {
        await using var bench = await OpenAsync(FarSide.Answers);
        var pages = await Some.Pages(bench.Source, bench.Request);
        var observations = pages.SelectMany(page => page.Observations).ToList();

        Assert.Equal(bench.Expected, observations.Count);
        Assert.True(bench.Exchanges() >= FewestExchanges, $"{bench.Exchanges()} exchanges, and at least {FewestExchanges} are needed");
        Assert.All(pages, page => Assert.Null(page.PartialBecause));
        Assert.All(pages, page => Assert.Empty(page.Unread));
        var window = bench.Request.Window;
        Assert.All(observations, observation =>
        {
            Assert.NotNull(bench.Catalogue.Find(observation.Series, bench.Request.Now));
            Assert.True(
                observation.Sample.Start >= window.Start && observation.Sample.Start < window.End,
                $"{observation.Sample.Start:o} in {window}"
            );
            Assert.True(observation.Sample.End <= window.End, $"{observation.Sample.End:o} in {window}");
            Assert.Equal(DateTimeKind.Utc, observation.Sample.Start.Kind);
        });
        // One instant of a series comes once.
        Assert.Equal(
            observations.Count,
            observations.Select(observation => (observation.Series.Id, observation.Sample.Start)).Distinct().Count()
        );
    }

    [Fact]
    public async Task The_same_recording_gives_the_same_observations()
    {
        await using var first = await OpenAsync(FarSide.Answers);
        await using var second = await OpenAsync(FarSide.Answers);
        var once = await Some.Read(first.Source, first.Request);
        var again = await Some.Read(first.Source, first.Request);
        var elsewhere = await Some.Read(second.Source, second.Request);

        Assert.NotEmpty(once.Observations);
        Assert.Equal(Keys(once.Observations), Keys(again.Observations));
        Assert.Equal(Keys(once.Observations), Keys(elsewhere.Observations));

        static List<string> Keys(List<Observation> observations) =>
            [
                .. observations
                    .Select(observation => $"{observation.Series.Statistic}/{observation.Series.Period} {Some.Line(observation)}")
                    .Order(StringComparer.Ordinal),
            ];
    }

    [Fact]
    public async Task An_empty_answer_is_an_empty_stream()
    {
        await using var bench = await OpenAsync(FarSide.IsEmpty);
        var pages = await Some.Pages(bench.Source, bench.Request);

        Assert.Empty(pages.SelectMany(page => page.Observations));
        Assert.Empty(pages.SelectMany(page => page.Rejections));
        Assert.All(pages, page => Assert.Null(page.PartialBecause));
    }

    [Fact]
    public void The_readme_lists_the_permissions_that_messages_name()
    {
        var readme = File.ReadAllText(Path.Combine(Repository(), Folder, "README.md"));
        Assert.All(Provider.Permissions, permission => Assert.Contains($"`{permission}`", readme, StringComparison.Ordinal));
    }

    /// <summary>The folder of the solution.</summary>
    internal static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Metrics.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("The tests run outside the folder of the solution.");
    }
}

/// <summary>What every provider that reads over a network owes beyond that.</summary>
public abstract class NetworkProviderContract : ProviderContract
{
    /// <summary>The permissions of which a refusal names at least one; none where what refuses knows no permissions.</summary>
    protected virtual IReadOnlyList<string> Mends => Provider.Permissions;

    [Fact]
    public async Task Cancellation_ends_a_read_that_would_never_end()
    {
        await using var bench = await OpenAsync(FarSide.Hangs);
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        // The far side never answers: a read that overheard it would not end before the wait does.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ReadAsync().WaitAsync(TimeSpan.FromMinutes(5)));

        async Task ReadAsync()
        {
            await foreach (var page in bench.Source.ReadAsync(bench.Request, stop.Token))
                Assert.Empty(page.Observations);
        }
    }

    [Fact]
    public Task Throttling_is_told_with_the_time_that_was_asked_for() => FailsAsync(FarSide.Throttles, error =>
        {
            Assert.Equal(SourceErrorCode.Throttled, error.Code);
            Assert.Equal(TimeSpan.FromSeconds(7), error.RetryAfter);
        });

    [Fact]
    public Task A_broken_server_is_a_server_error() =>
        FailsAsync(FarSide.Breaks, error => Assert.Equal(SourceErrorCode.ServerError, error.Code));

    [Fact]
    public Task An_answer_that_stops_in_the_middle_is_no_answer() =>
        FailsAsync(FarSide.Cuts, error => Assert.Contains(error.Code, new[] { SourceErrorCode.Truncated, SourceErrorCode.NotMetrics }));

    [Fact]
    public Task A_server_that_hangs_is_given_up() => FailsAsync(FarSide.Hangs, error => Assert.Equal(SourceErrorCode.Timeout, error.Code));

    [Fact]
    public Task A_page_for_people_is_no_answer() =>
        FailsAsync(FarSide.SendsHtml, error => Assert.Equal(SourceErrorCode.NotMetrics, error.Code));

    [Fact]
    public Task A_body_without_end_is_cut_off() => FailsAsync(FarSide.Floods, error => Assert.Equal(SourceErrorCode.TooLarge, error.Code));

    [Fact]
    public Task Refused_credentials_name_what_would_mend_it() => FailsAsync(FarSide.Refuses, error =>
        {
            Assert.Equal(SourceErrorCode.Unauthorised, error.Code);
            if (Mends.Count > 0)
                Assert.Contains(Mends, permission => error.Message.Contains(permission, StringComparison.Ordinal));
        });

    private async Task FailsAsync(FarSide farSide, Action<SourceException> check)
    {
        await using var bench = await OpenAsync(farSide);
        var observations = new List<Observation>();
        var error = await Assert.ThrowsAsync<SourceException>(async () =>
        {
            await foreach (var page in bench.Source.ReadAsync(bench.Request, CancellationToken.None))
                observations.AddRange(page.Observations);
        });

        Assert.Empty(observations);
        check(error);
        // One line for people: no line break, no stack, no secret.
        Assert.DoesNotContain('\n', error.Message);
        Assert.DoesNotContain("   at ", error.Message, StringComparison.Ordinal);
        Assert.All(bench.Secrets, secret => Assert.DoesNotContain(secret, error.Message, StringComparison.Ordinal));
    }
}
