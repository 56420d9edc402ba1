using System.Text.Json;
using Xunit;

namespace Metrics.SystemTests.Commands;

/// <summary>What the command <c>keys</c> understands, and what it prints.</summary>
public sealed class KeysCommandTests
{
    [Theory]
    [InlineData("It is missing what to do with keys. There are: create, list, revoke.")]
    [InlineData("'lst' is nothing to do with keys. Did you mean 'list'? There are: create, list, revoke.", "lst")]
    [InlineData("'name' is missing: say who or what the key is for.", "create")]
    [InlineData("'bi' is one word too many; a name of several words stands in quotes.", "create", "power", "bi")]
    [InlineData(
        "--scopes: 'write' are not scopes; give some of read, reports, operate, admin, with commas between.",
        "create",
        "a",
        "--scopes",
        "write"
    )]
    [InlineData(
        "--expires 'soon' is not a time to come. Write 90d, 12h or 30m from now on, or a time such as 2027-11-01.",
        "create",
        "a",
        "--expires",
        "soon"
    )]
    [InlineData("--expires '2020-01-01' is not in the future.", "create", "a", "--expires=2020-01-01")]
    [InlineData("--scopes is given twice.", "create", "a", "--scopes", "read", "--scopes", "admin")]
    [InlineData("--scopes belongs to 'keys create'.", "list", "--scopes", "read")]
    [InlineData("The id of the key is missing; 'keys list' shows them.", "revoke")]
    public async Task What_cannot_be_done_is_said_with_what_can_and_makes_no_database(string sentence, params string[] arguments)
    {
        using var folder = new CommandFolder();
        var (code, output, error) = await folder.RunAsync(["keys", .. arguments]);
        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.StartsWith(sentence, error, StringComparison.Ordinal);
        Assert.Contains("Usage: metrics keys ", error, StringComparison.Ordinal);
        Assert.Empty(folder.Files);
    }

    [Fact]
    public async Task A_key_is_made_listed_and_revoked_as_JSON()
    {
        using var folder = new CommandFolder();
        var (code, output, error) = await folder.RunAsync(["keys", "create", "by a script", "--scopes", "read,operate", "--json"]);
        Assert.True(code == 0, error);
        var made = JsonDocument.Parse(output).RootElement;
        Assert.Equal("by a script", made.GetProperty("name").GetString());
        Assert.Equal(["read", "operate"], made.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()));
        Assert.Equal("valid", made.GetProperty("state").GetString());
        Assert.Equal("command line", made.GetProperty("createdBy").GetString());
        Assert.Equal(JsonValueKind.Null, made.GetProperty("expiresAt").ValueKind);
        var key = made.GetProperty("key").GetString()!;
        Assert.Matches("^emk_[a-z2-7]{56}$", key);
        var id = made.GetProperty("id").GetString()!;
        Assert.Equal(key[4..12], id);

        (code, output, error) = await folder.RunAsync(["keys", "list", "--json"]);
        Assert.True(code == 0, error);
        Assert.DoesNotContain(key[12..], output, StringComparison.Ordinal);
        Assert.Equal(id, Assert.Single(JsonDocument.Parse(output).RootElement.EnumerateArray()).GetProperty("id").GetString());

        (code, output, error) = await folder.RunAsync(["keys", "revoke", id, "--json"]);
        Assert.True(code == 0, error);
        Assert.Equal($$"""{"id":"{{id}}","state":"revoked"}""", CommandFolder.Compact(output));
        (code, output, error) = await folder.RunAsync(["keys", "revoke", id]);
        Assert.Equal((1, ""), (code, output));
        Assert.Contains("it is revoked already", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_key_is_alone_on_standard_output()
    {
        using var folder = new CommandFolder();
        var (code, output, error) = await folder.RunAsync(["keys", "create", "ops"]);
        Assert.Equal(0, code);
        Assert.Matches("^emk_[a-z2-7]{56}\n$", output);
        Assert.Contains("may read. It is shown this once:", error, StringComparison.Ordinal);
    }
}
