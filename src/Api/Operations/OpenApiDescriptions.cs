using System.Text.RegularExpressions;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Metrics.Api.Operations;

/// <summary>What the API says of its parts, taken from the comments of the code.</summary>
internal static partial class OpenApiDescriptions
{
    /// <summary>Where the framework keeps what a property says of a schema that others have too.</summary>
    private const string OfReference = "x-ref-description";

    /// <summary>A line of a comment ends where the page does; a client's lines end elsewhere. Empty lines stay.</summary>
    public static void UnfoldDescriptions(this OpenApiOptions openApi)
    {
        openApi.AddSchemaTransformer(
            (schema, _, _) =>
            {
                schema.Description = Unfold(schema.Description);
                if (schema.Metadata?.TryGetValue(OfReference, out var description) == true)
                    schema.Metadata[OfReference] = Unfold((string)description)!;
                return Task.CompletedTask;
            }
        );
        openApi.AddOperationTransformer(
            (operation, _, _) =>
            {
                operation.Description = Unfold(operation.Description);
                foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
                    parameter.Description = Unfold(parameter.Description);
                return Task.CompletedTask;
            }
        );
    }

    private static string? Unfold(string? text) => text is null ? null : LineEnd().Replace(text, " ");

    [GeneratedRegex(@"(?<!\n)[ \t]*\r?\n[ \t]*(?!\r?\n)", RegexOptions.CultureInvariant)]
    private static partial Regex LineEnd();
}
