using System.Text.Json;
using System.Text.Json.Serialization;

namespace Metrics.Domain.Quantities;

/// <summary>How the lists of units are read: strictly, with comments, and by code that is there at compile time, because every start of
/// every program waits for it.</summary>
[JsonSourceGenerationOptions(
    PropertyNameCaseInsensitive = true,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    UseStringEnumConverter = true
)]
[JsonSerializable(typeof(List<Unit>))]
[JsonSerializable(typeof(List<FunctionalUnit>))]
internal sealed partial class Vocabulary : JsonSerializerContext;
