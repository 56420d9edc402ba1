using System.CommandLine;
using System.Globalization;
using Metrics.Api.Access;
using Metrics.Api.Http;
using Metrics.Storage.Access;
using Metrics.Storage.Engine;

namespace Metrics.Api.Commands;

/// <summary>The command <c>keys create|list|revoke</c>. It needs the database and not the service.</summary>
internal static class KeysCommand
{
    private const string Actor = "command line";

    /// <summary>Makes the command.</summary>
    public static DescribedCommand Create(ServiceHost host)
    {
        var command = new DescribedCommand("keys", "Makes, lists and revokes the keys that the service asks for")
        {
            Usage = ["keys create NAME [--scopes LIST] [--expires TIME] [OPTIONS]", "keys list [OPTIONS]", "keys revoke ID [OPTIONS]"],
            Notes = ["Works on the database, so the service need not run. What is changed holds everywhere within five seconds."],
            Validate = parsed =>
                parsed.UnmatchedTokens.Count > 0 ? [] : ["It is missing what to do with keys. There are: create, list, revoke."],
        };
        command.Add(CreateCreate(host));
        command.Add(CreateList(host));
        command.Add(CreateRevoke(host));
        return command;
    }

    private static DescribedCommand CreateCreate(ServiceHost host)
    {
        var name = new Argument<string?>("NAME") { Description = "Who or what the key is for", Arity = ArgumentArity.ZeroOrOne };
        var scopes = CommonOptions.Text(
            "--scopes",
            "LIST",
            $"What the key may be used for, with commas between: some of {Scopes.All}; by default read",
            "read",
            "reports",
            "operate",
            "admin"
        );
        var expires = CommonOptions.Text(
            "--expires",
            "TIME",
            "When it ends: 90d, 12h or 30m from now on, or a time such as 2027-11-01; by default never"
        );
        var json = CommonOptions.Json();
        var command = new DescribedCommand("create", "Makes a key and shows it, once")
        {
            Usage = ["keys create NAME [--scopes LIST] [--expires TIME] [OPTIONS] [SETTINGS]"],
            Notes = ["The key alone is on standard output, so that a script can keep it; it is never shown again."],
            Examples =
            [
                ("keys create power-bi --scopes read --expires 365d", "a key for a year"),
                ("keys create ops --scopes read,operate --json", "with its id, as JSON"),
            ],
            Validate = parsed =>
                new[]
                {
                    AccessEndpoints.ValidateName(parsed.GetValue(name)),
                    ScopeOf(parsed.TextOf(scopes)) is null
                        ? $"--scopes: '{parsed.TextOf(scopes)}' are not scopes; give some of {Scopes.All}, with commas between."
                        : null,
                    Expiry(parsed.TextOf(expires), DateTime.UtcNow).Error,
                }.OfType<string>(),
        };
        command.Add(name);
        command.Add(scopes);
        command.Add(expires);
        command.Add(json);
        command.SetAction(
            (parsed, stop) =>
                WithKeysAsync(
                    host,
                    async keys =>
                    {
                        var now = DateTime.UtcNow;
                        var scope = ScopeOf(parsed.TextOf(scopes))!.Value;
                        var end = Expiry(parsed.TextOf(expires), now).Time;
                        var (key, stored) = await AccessKeyCache.MakeAsync(keys, parsed.GetValue(name)!, scope, end, Actor, stop);
                        if (parsed.GetValue(json))
                        {
                            CommonOptions.Print(KeyResponse.Of(stored, key, now));
                            return ExitCode.Done;
                        }
                        await Console.Error.WriteLineAsync(
                            $"The key '{stored.Name}' ({stored.Id}) may {string.Join(", ", scope.ToWords())}. It is shown this once:"
                        );
                        Console.Out.WriteLine(key);
                        return ExitCode.Done;
                    },
                    stop
                )
        );
        return command;
    }

    private static DescribedCommand CreateList(ServiceHost host)
    {
        var json = CommonOptions.Json();
        var command = new DescribedCommand("list", "Lists all keys that there ever were, without the keys themselves")
        {
            Usage = ["keys list [OPTIONS] [SETTINGS]"],
        };
        command.Add(json);
        command.SetAction(
            (parsed, stop) =>
                WithKeysAsync(
                    host,
                    async keys =>
                    {
                        var (all, now) = (await keys.AllAsync(stop), DateTime.UtcNow);
                        if (parsed.GetValue(json))
                            CommonOptions.Print(all.Select(key => KeyResponse.Of(key, null, now)));
                        else
                            PrintTable(all, now);
                        return ExitCode.Done;
                    },
                    stop
                )
        );
        return command;
    }

    private static DescribedCommand CreateRevoke(ServiceHost host)
    {
        var id = new Argument<string?>("ID") { Description = "Id of the key; 'keys list' shows it", Arity = ArgumentArity.ZeroOrOne };
        var json = CommonOptions.Json();
        var command = new DescribedCommand("revoke", "Ends a key for good, everywhere within five seconds")
        {
            Usage = ["keys revoke ID [OPTIONS] [SETTINGS]"],
            Validate = parsed =>
                string.IsNullOrWhiteSpace(parsed.GetValue(id)) ? ["The id of the key is missing; 'keys list' shows them."] : [],
        };
        command.Add(id);
        command.Add(json);
        command.SetAction(
            (parsed, stop) =>
                WithKeysAsync(
                    host,
                    async keys =>
                    {
                        var key = parsed.GetValue(id)!;
                        if (!await keys.RevokeAsync(key, Actor, stop))
                            throw new CommandException(
                                $"There is no key '{key}', or it is revoked already; 'keys list' shows them.",
                                ExitCode.Failed
                            );
                        if (parsed.GetValue(json))
                            CommonOptions.Print(new { id = key, state = "revoked" });
                        else
                            Console.Out.WriteLine($"The key {key} is revoked.");
                        return ExitCode.Done;
                    },
                    stop
                )
        );
        return command;
    }

    private static (DateTime? Time, string? Error) Expiry(string? text, DateTime now)
    {
        string? error = null;
        return (text is null ? null : Times.Expiry("--expires", text, now, out error), error);
    }

    private static Scope? ScopeOf(string? scopes) => Scopes.Parse((scopes ?? "read").Split(',', StringSplitOptions.RemoveEmptyEntries));

    private static async Task<int> WithKeysAsync(ServiceHost host, Func<AccessKeys, Task<int>> work, CancellationToken cancellationToken)
    {
        await using var app = host.Build(HostPurpose.Command);
        try
        {
            await ServiceHost.PrepareSchemaAsync(app, cancellationToken);
            return await work(app.Services.GetRequiredService<AccessKeys>());
        }
        catch (Exception exception) when (StorageFault.IsOutside(exception))
        {
            throw new CommandException($"The keys could not be reached: {exception.Message}", ExitCode.Failed);
        }
    }

    private static void PrintTable(IReadOnlyList<AccessKey> keys, DateTime now)
    {
        Console.Out.WriteLine($"{"ID", -10}{"STATE", -9}{"SCOPES", -23}{"CREATED", -18}{"EXPIRES", -18}{"LAST USED", -18}NAME");
        foreach (var key in keys)
        {
            Console.Out.Write($"{key.Id, -10}{KeyResponse.StateOf(key, now), -9}{key.Scopes, -23}");
            Console.Out.WriteLine($"{Text(key.CreatedAt), -18}{Text(key.ExpiresAt), -18}{Text(key.LastUsedAt), -18}{key.Name}");
        }
        if (keys.Count == 0)
            Console.Error.WriteLine("There is none: the service answers this machine only, and asks nobody.");
    }

    private static string Text(DateTime? time) => time?.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "-";
}
