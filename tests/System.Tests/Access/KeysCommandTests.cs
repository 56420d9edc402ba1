using Metrics.Api.Access;
using Metrics.Api.Commands;
using Xunit;

namespace Metrics.SystemTests.Access;

/// <summary>What the command <c>keys</c> understands.</summary>
public sealed class KeysCommandTests
{
    private static readonly DateTime Now = new(2026, 11, 27, 12, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void A_key_may_read_and_has_no_end_unless_that_is_said()
    {
        Assert.Equal(new KeysCommand.Order("create", "power bi", Scope.Read, null), Parse("create", "power bi"));
        Assert.Equal(
            new KeysCommand.Order("create", "ops", Scope.Read | Scope.Operate, new DateTime(2027, 2, 25, 12, 0, 0, DateTimeKind.Utc)),
            Parse("create", "ops", "--scopes", "read,operate", "--expires=90d")
        );
        Assert.Equal(
            new KeysCommand.Order("create", "root", Scope.Admin, new DateTime(2027, 11, 1, 0, 0, 0, DateTimeKind.Utc)),
            Parse("create", "--scopes=admin", "root", "--expires", "2027-11-01", "--Metrics:Storage:Engine=Postgres")
        );
        Assert.Equal("list", Parse("list")!.Word);
        Assert.Equal(("revoke", "abcdefgh"), (Parse("revoke", "abcdefgh")!.Word, Parse("revoke", "abcdefgh")!.Subject));
    }

    [Theory]
    [InlineData("It is missing what to do")]
    [InlineData("'make' is nothing to do with keys", "make")]
    [InlineData("'name' is missing", "create")]
    [InlineData("one word too many", "create", "power", "bi")]
    [InlineData("'write' are not scopes", "create", "a", "--scopes", "write")]
    [InlineData("neither days such as 90d nor a time", "create", "a", "--expires", "soon")]
    [InlineData("not in the future", "create", "a", "--expires", "2026-01-01")]
    [InlineData("given twice", "create", "a", "--scopes", "read", "--scopes", "admin")]
    [InlineData("belongs to 'keys create'", "list", "--scopes", "read")]
    [InlineData("The id of the key is missing", "revoke")]
    public void What_cannot_be_done_is_said_with_what_can(string sentence, params string[] arguments)
    {
        Assert.Null(KeysCommand.Parse(arguments, Now, out var faults));
        Assert.Contains(faults, fault => fault.Contains(sentence, StringComparison.Ordinal));
        Assert.Contains("keys create NAME", faults[^1], StringComparison.Ordinal);
    }

    private static KeysCommand.Order? Parse(params string[] arguments)
    {
        var order = KeysCommand.Parse(arguments, Now, out var faults);
        Assert.Empty(faults);
        return order;
    }
}
