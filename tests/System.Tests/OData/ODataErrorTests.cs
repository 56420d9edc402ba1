using System.Text.Json;
using Metrics.Api.OData.Protocol;
using Metrics.Storage.Engine;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Metrics.SystemTests.OData;

/// <summary>OData's error object, of whatever went wrong.</summary>
[Collection(ODataTests.Name)]
public sealed class ODataErrorTests(ODataServices services)
{
    public static TheoryData<Exception, int, string, string> Exceptions { get; } =
        new()
        {
            {
                new StorageException(StorageErrorCode.Unreachable, "The database at db:5432 cannot be reached."),
                503,
                "StorageUnavailable",
                "The store cannot be reached now."
            },
            {
                new BadHttpRequestException("Request body too large. The max request body size is 1048576 bytes.", 413),
                413,
                "TooLarge",
                "The body is larger than the service reads."
            },
            {
                new BadHttpRequestException("Unexpected end of request content.", 400),
                400,
                "InvalidRequest",
                "The request cannot be read."
            },
            {
                new InvalidOperationException("The secret of our own."),
                500,
                "InternalError",
                "The request could not be answered; the service's log says why."
            },
            {
                ODataError.BadRequest("InvalidQuery", "$top is a whole number from 0.", "$top"),
                400,
                "InvalidQuery",
                "$top is a whole number from 0."
            },
        };

    [Theory]
    [MemberData(nameof(Exceptions))]
    public void An_exception_is_told_by_the_status_that_it_has_everywhere(Exception exception, int status, string code, string message)
    {
        var error = ODataErrorResponse.Of(exception, null);

        Assert.Equal((status, code, message), (error.Status, error.Code, error.Message));
    }

    [Fact]
    public async Task Every_error_of_a_request_is_told_by_itself()
    {
        using var response = await services[StorageEngine.Sqlite].Client.GetAsync("Compare(boundary='planet',minCoverage=7)");
        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");

        Assert.Equal(400, (int)response.StatusCode);
        Assert.Equal(("InvalidParameter", "Compare"), (error.GetProperty("code").GetString(), error.GetProperty("target").GetString()));
        var details = error.GetProperty("details").EnumerateArray().ToList();
        Assert.Equal(3, details.Count);
        Assert.All(details, detail => Assert.Equal("InvalidParameter", detail.GetProperty("code").GetString()));
        Assert.Equal(
            error.GetProperty("message").GetString(),
            string.Join(' ', details.Select(detail => detail.GetProperty("message").GetString()))
        );
    }

    [Fact]
    public void One_error_has_no_details()
    {
        var body = ODataErrorResponse.Body(ODataError.BadRequest("InvalidQuery", ["Only this."], "$top"));

        Assert.Equal(
            """{"error":{"code":"InvalidQuery","message":"Only this.","target":"$top"}}""",
            JsonSerializer.Serialize(JsonDocument.Parse(body).RootElement)
        );
    }

    [Theory]
    [InlineData('x')]
    [InlineData('é')]
    [InlineData('"')]
    public void The_error_is_at_most_8_KiB_whatever_it_has_to_tell(char letter)
    {
        var errors = Enumerable.Repeat(new string(letter, 200), 500).ToList();

        var body = ODataErrorResponse.Body(ODataError.BadRequest("InvalidParameter", errors, "Compare"));

        Assert.InRange(body.Length, 1_000, 8_192);
        var error = JsonDocument.Parse(body).RootElement.GetProperty("error");
        Assert.EndsWith("...", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.NotEqual(0, error.GetProperty("details").GetArrayLength());
    }
}
