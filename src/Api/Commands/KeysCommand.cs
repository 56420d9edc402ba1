using System.Globalization;
using Metrics.Api.Access;
using Metrics.Storage.Access;
using Metrics.Storage.Engine;

namespace Metrics.Api.Commands;

/// <summary>The command <c>keys create|list|revoke</c>. It needs the database and not the service.</summary>
public static class KeysCommand
{
    private const string Usage = """
        keys create NAME [--scopes read,reports] [--expires 90d | --expires 2027-11-01]   makes a key and shows it, once; it may read unless scopes are given
        keys list                                                                         all keys that there ever were
        keys revoke ID                                                                    ends a key, everywhere within five seconds
        """;

    /// <summary>What the command is to do.</summary>
    /// <param name="Word"><c>create</c>, <c>list</c> or <c>revoke</c>.</param>
    /// <param name="Subject">The new key's name, or the id of the one to revoke.</param>
    /// <param name="Scope">What the new key may be used for.</param>
    /// <param name="ExpiresAt">When it ends, UTC; null: never.</param>
    public sealed record Order(string Word, string Subject, Scope Scope, DateTime? ExpiresAt);

    /// <summary>The arguments, or every fault in them.</summary>
    /// <param name="arguments">What follows the word <c>keys</c>.</param>
    /// <param name="now">The clock, UTC.</param>
    /// <param name="faults">Sentences; empty when the arguments can be used.</param>
    public static Order? Parse(IReadOnlyList<string> arguments, DateTime now, out List<string> faults)
    {
        faults = [];
        var words = new List<string>();
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, text) in CommandLine.Read(arguments, "--scopes", "--expires"))
        {
            if (name is null)
                words.Add(text);
            else if (!options.TryAdd(name, text))
                faults.Add($"{name} is given twice.");
        }
        var word = words.Count > 0 ? words[0] : "";
        var subject = words.Count > 1 ? words[1] : "";
        if (word is not ("create" or "list" or "revoke"))
            faults.Add(word.Length == 0 ? "It is missing what to do with keys." : $"'{word}' is nothing to do with keys.");
        else if (words.Count > (word == "list" ? 1 : 2))
            faults.Add($"'{words[^1]}' is one word too many; a name of several words stands in quotes.");
        if (word == "create" && AccessEndpoints.Refuse(subject) is { } refused)
            faults.Add(refused);
        if (word == "revoke" && subject.Length == 0)
            faults.Add("The id of the key is missing; 'keys list' shows them.");
        if (word != "create")
            faults.AddRange(options.Keys.Select(option => $"{option} belongs to 'keys create'."));
        var scopes = options.GetValueOrDefault("--scopes", "read");
        var scope = Scopes.Parse(scopes.Split(',', StringSplitOptions.RemoveEmptyEntries));
        if (scope is null)
            faults.Add($"--scopes: '{scopes}' are not scopes; give some of {Scopes.All}, with commas between.");
        DateTime? expires = null;
        if (options.TryGetValue("--expires", out var given))
        {
            if (
                given.EndsWith('d')
                && int.TryParse(given[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var days)
                && days is > 0 and <= 36_500
            )
                expires = now.AddDays(days);
            else if (DateTimeOffset.TryParse(given, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
                expires = time.UtcDateTime;
            else
                faults.Add($"--expires: '{given}' is neither days such as 90d nor a time such as 2027-11-01.");
            if (expires <= now)
                faults.Add($"--expires: '{given}' is not in the future.");
        }
        if (faults.Count == 0)
            return new Order(word, subject, scope!.Value, expires);
        faults.Add($"Usage:{Environment.NewLine}{Usage}");
        return null;
    }

    /// <summary>Runs the command.</summary>
    /// <param name="order">What to do.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="now">The clock, UTC.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>0 when it is done, 1 when there is no such key.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public static async Task<int> RunAsync(Order order, AccessKeys keys, DateTime now, CancellationToken cancellationToken)
    {
        const string Actor = "command line";
        switch (order.Word)
        {
            case "create":
                var (key, kept) = await AccessKeyCache.MakeAsync(
                    keys,
                    order.Subject,
                    order.Scope,
                    order.ExpiresAt,
                    Actor,
                    cancellationToken
                );
                // The key alone on standard output, so that a script can keep it.
                await Console.Error.WriteLineAsync(
                    $"The key '{order.Subject}' ({kept.Id}) may {string.Join(", ", order.Scope.ToWords())}. It is shown this once:"
                );
                Console.WriteLine(key);
                return 0;
            case "list":
                var all = await keys.AllAsync(cancellationToken);
                Console.WriteLine($"{"ID", -10}{"STATE", -9}{"SCOPES", -23}{"CREATED", -18}{"EXPIRES", -18}{"LAST USED", -18}NAME");
                foreach (var one in all)
                    Console.WriteLine(
                        $"{one.Id, -10}{KeyResponse.StateOf(one, now), -9}{one.Scopes, -23}{Text(one.CreatedAt), -18}{Text(one.ExpiresAt), -18}{Text(one.LastUsedAt), -18}{one.Name}"
                    );
                if (all.Count == 0)
                    Console.WriteLine("There is none: the service answers this machine only, and asks nobody.");
                return 0;
            default:
                if (await keys.RevokeAsync(order.Subject, Actor, cancellationToken))
                {
                    Console.WriteLine($"The key {order.Subject} is revoked.");
                    return 0;
                }
                await Console.Error.WriteLineAsync($"There is no key '{order.Subject}', or it is revoked already; 'keys list' shows them.");
                return 1;
        }
    }

    private static string Text(DateTime? time) => time?.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "-";
}
