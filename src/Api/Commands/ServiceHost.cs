using System.Text.Json;
using Metrics.Api.Operations;
using Metrics.Api.Settings;
using Metrics.Domain.Catalogue;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Logging.Console;

namespace Metrics.Api.Commands;

/// <summary>What the services are wanted for.</summary>
internal enum HostPurpose
{
    /// <summary>Reading sources and answering requests.</summary>
    Serve,

    /// <summary>Making the schema fit.</summary>
    Migrate,

    /// <summary>One piece of work, then the end.</summary>
    Command,
}

/// <summary>Makes the host that a command works with: its configuration, then its services. Neither opens a file, a port or a connection of
/// the service.</summary>
/// <param name="arguments">Settings of the command line, each <c>--NAME=VALUE</c>.</param>
/// <param name="compose">Registers the services.</param>
internal sealed class ServiceHost(IReadOnlyList<string> arguments, ServiceHost.Composition compose)
{
    /// <summary>Registers the services of a host.</summary>
    public delegate void Composition(
        WebApplicationBuilder builder,
        MetricsSettings settings,
        MetricCatalogue catalogue,
        HostPurpose purpose
    );

    /// <summary>A builder that has read its configuration.</summary>
    /// <exception cref="CommandException">The configuration cannot be read.</exception>
    public WebApplicationBuilder Configure()
    {
        WebApplicationBuilder builder;
        try
        {
            // The settings of the folder that is named, or that it is started in, else those that it was shipped with.
            var isNamed =
                (Environment.GetEnvironmentVariable("ASPNETCORE_CONTENTROOT") ?? Environment.GetEnvironmentVariable("DOTNET_CONTENTROOT"))
                    is not null
                || arguments.Any(setting => setting.StartsWith("--contentRoot=", StringComparison.OrdinalIgnoreCase));
            builder = WebApplication.CreateBuilder(
                new WebApplicationOptions
                {
                    Args = [.. arguments],
                    ContentRootPath = isNamed || File.Exists("appsettings.json") ? null : AppContext.BaseDirectory,
                }
            );
        }
        catch (Exception exception)
            when (exception is InvalidDataException or FormatException or JsonException or DirectoryNotFoundException)
        {
            throw new CommandException(
                $"The configuration cannot be read: {exception.Message} {exception.GetBaseException().Message}".TrimEnd()
            );
        }
        // How is logged does not depend on the folder: the shipped levels and formats lie beneath every other source of settings.
        var shipped = new JsonConfigurationSource { Path = Path.Combine(AppContext.BaseDirectory, "appsettings.json"), Optional = true };
        shipped.ResolveFileProvider();
        ((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, shipped);
        return builder;
    }

    /// <summary>The services, not started.</summary>
    /// <param name="purpose">What for.</param>
    /// <exception cref="CommandException">The configuration cannot be used; the message has one line for everything that is
    /// wrong.</exception>
    public WebApplication Build(HostPurpose purpose)
    {
        var builder = Configure();
        // A command's result is alone on standard output.
        if (purpose != HostPurpose.Serve)
            builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        // The blank that parts the time from what follows has no place in a JSON string.
        builder.Services.PostConfigure<JsonConsoleFormatterOptions>(json => json.TimestampFormat = json.TimestampFormat?.TrimEnd());
        if (!builder.Configuration.GetSection("Metrics:Sources").GetChildren().Any())
            Demo.AddTo(builder.Configuration);
        try
        {
            var settings = MetricsSettings.Read(builder.Configuration.GetSection("Metrics"));
            compose(builder, settings, Catalogues.Load(settings.Catalogues), purpose);
            var app = builder.Build();
            foreach (var remark in settings.FactorRemarks)
                app.Logger.LogWarning("{Remark}.", remark);
            return app;
        }
        catch (SettingsException exception)
        {
            throw new CommandException($"The configuration cannot be used:{Environment.NewLine}{exception.Message}");
        }
        catch (CatalogueException exception)
        {
            throw new CommandException($"The metric catalogue cannot be used:{Environment.NewLine}{exception.Message}");
        }
    }

    /// <summary>Makes sure that the schema is the one of this version. The embedded database belongs to this process alone, so it is
    /// brought up to date here; a shared one is migrated on purpose.</summary>
    /// <exception cref="CommandException">It is not.</exception>
    public static async Task PrepareSchemaAsync(WebApplication app, CancellationToken cancellationToken)
    {
        var engine = app.Services.GetRequiredService<MetricsSettings>().Storage.Engine;
        var state = await app
            .Services.GetRequiredService<SchemaMigrator>()
            .PrepareAsync(migrate: engine == StorageEngine.Sqlite, cancellationToken);
        if (!state.IsCurrent)
            throw new CommandException(state.Message, state.Standing == SchemaStanding.Unreachable ? ExitCode.Failed : ExitCode.Refused);
    }
}
