using Metrics.Api.Access;
using Metrics.Api.OData.Protocol;
using Metrics.Api.Operations;
using Metrics.Api.Settings;
using Metrics.Storage.Engine;
using Microsoft.Extensions.Options;

namespace Metrics.Api.Commands;

/// <summary>The command <c>serve</c>, which is meant when none is given: reads the sources and answers requests until it is
/// stopped.</summary>
internal static class ServeCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="host">The services.</param>
    /// <param name="map">Maps what the service answers.</param>
    public static DescribedCommand Create(ServiceHost host, Action<WebApplication, MetricsSettings> map)
    {
        var progress = Progress.Option();
        var command = new DescribedCommand("serve", "Reads the sources and answers requests; meant when no command is given")
        {
            Usage = ["[serve] [OPTIONS] [SETTINGS]"],
            Notes =
            [
                "Without settings it reads itself and a sample recording, keeps metrics.db in the current folder and answers at "
                    + "http://localhost:5080.",
                "It stops at SIGTERM or Ctrl-C, lets what is under way end, and exits with 0.",
            ],
            Examples =
            [
                ("serve", "the service on SQLite, for this machine"),
                ("--urls http://localhost:5081", "at another port"),
                ("serve --Metrics:Storage:Engine=Postgres --Metrics:Roles:0=api", "one of several, on a shared database"),
            ],
            Validate = parsed => Progress.Validate(parsed, progress),
        };
        command.Add(progress);
        command.SetAction((parsed, stop) => RunAsync(host, map, Progress.Parse(parsed.TextOf(progress)) ?? ProgressStyle.None, stop));
        return command;
    }

    private static async Task<int> RunAsync(
        ServiceHost host,
        Action<WebApplication, MetricsSettings> map,
        ProgressStyle progress,
        CancellationToken cancellationToken
    )
    {
        await using var app = host.Build(HostPurpose.Serve);
        var settings = app.Services.GetRequiredService<MetricsSettings>();
        try
        {
            await ServiceHost.PrepareSchemaAsync(app, cancellationToken);
            using var sole =
                settings.Storage.Engine == StorageEngine.Sqlite && settings.IsWorker
                    ? SoleWorker.Take(settings.Storage.ConnectionString)
                    : null;
            await RequireKeyOrLoopbackAsync(app, cancellationToken);
            // One key for every process on the database: a nextLink of one is understood by the others, and after a restart.
            if (settings.IsApi)
                app.Services.GetRequiredService<IOptions<ODataSettings>>().Value.SkipTokenKey ??= await app
                    .Services.GetRequiredService<SharedKeys>()
                    .GetAsync(ODataSettings.SkipTokenKeyName, cancellationToken);
            map(app, settings);
            await app.StartAsync(cancellationToken);
            if (settings.IsWorker)
                _ = ActivatorUtilities.CreateInstance<FirstRead>(app.Services).ShowAsync(progress, app.Lifetime.ApplicationStopping);
            await app.WaitForShutdownAsync(CancellationToken.None);
            return ExitCode.Done;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Told to stop before it had started.
            return ExitCode.Done;
        }
        catch (StorageException exception) when (exception.Code == StorageErrorCode.Locked)
        {
            throw new CommandException(exception.Message);
        }
        catch (Exception exception) when (ListenAddresses.Describe(exception) is { } reason)
        {
            throw new CommandException(reason);
        }
        catch (Exception exception) when (StorageFault.IsOutside(exception))
        {
            throw new CommandException($"The service could not start: {exception.Message}", ExitCode.Failed);
        }
    }

    /// <summary>A service without keys answers this machine only.</summary>
    private static async Task RequireKeyOrLoopbackAsync(WebApplication app, CancellationToken cancellationToken)
    {
        var keys = app.Services.GetRequiredService<AccessKeyCache>();
        await keys.RefreshAsync(cancellationToken);
        if (keys.IsOpen && ListenAddresses.BeyondLoopback(app.Configuration) is { } beyond)
            throw new CommandException(
                $"{beyond} can be reached from beyond this machine, and there is no key yet, so that everybody would be let in. "
                    + "Make a key first by the command 'keys create NAME --scopes admin', give one by Metrics:Access:Keys, or listen at "
                    + "http://localhost:5080."
            );
    }
}
