using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Xml;
using Metrics.Storage.Engine;
using Metrics.SystemTests.OData;
using Microsoft.OData;
using Microsoft.OData.Edm;
using Microsoft.OData.Edm.Csdl;
using Microsoft.OData.Edm.Validation;
using Xunit;

namespace Metrics.SystemTests.Clients;

/// <summary>
/// Microsoft's OData library, which Power Query and most clients of .NET are made of, reads every kind of answer, and minds all that it
/// can: version 8 as a reader of messages, version 7 as a reader of the model.
/// </summary>
[Collection(ODataTests.Name)]
public sealed class ODataLibraryTests(ODataServices services)
{
    private const string Minimal = "application/json",
        Full = "application/json;odata.metadata=full",
        Exact = "application/json;IEEE754Compatible=true";

    // What is asked, and how many entities or values are told; the seeded rows are 6,048 hours of 12 deployments and four units, 504 of
    // each, 300 runs and two sources.
    private static readonly (string Accept, string Url, int Told)[] Asked =
    [
        (Minimal, "", 0),
        (Minimal, "HourlyIntensities", 1_000),
        (Full, "HourlyIntensities", 1_000),
        (Exact, "HourlyIntensities", 1_000),
        (Exact, "Runs", 300),
        (Full, "Runs", 300),
        (Full, "Sources", 2),
        (Full, "Deployments", 12),
        (Full, "Workloads", 7),
        (Full, "Calendar", 1_000),
        (Minimal, "DailyIntensities", 0),
        (Minimal, "MonthlyIntensities", 0),
        (Minimal, "EnergyFacts", 0),
        (Minimal, "WorkFacts", 0),
        (Minimal, "Factors", 0),
        (Minimal, "MetricMappings", 0),
        (Minimal, "Restatements", 0),
        (Minimal, "Rejections", 0),
        (Minimal, "Resources", 0),
        (Minimal, "Events", 0),
        (Minimal, "Backfills", 0),
        (Minimal, "HourlyIntensities?$top=0&$count=true", 0),
        (Minimal, "HourlyIntensities?$select=DeploymentId,Units&$top=5&$skip=3", 5),
        (Minimal, "HourlyIntensities?$filter=Units eq null&$top=7", 7),
        (Minimal, "HourlyIntensities?$top=2&$expand=Deployment", 4),
        (Full, "HourlyIntensities?$top=2&$expand=Deployment($select=Workload),Calendar", 6),
        (Minimal, "HourlyIntensities?$top=2&$expand=*&$select=Units", 6),
        (
            Minimal,
            "HourlyIntensities?$top=2&$compute=FacilityJoules div 3600000 as KilowattHours,DeploymentId add 1 as "
                + "Next&$select=DeploymentId,KilowattHours,Next",
            2
        ),
        (Minimal, "Deployments(5)", 1),
        (Full, "Deployments(5)", 1),
        (Exact, "Deployments(9007199254740993)", 1),
        (Minimal, "Deployments(5)?$select=Region", 1),
        (Minimal, "HourlyIntensities(DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z)/Deployment", 1),
        (Minimal, "HourlyIntensities(DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z)/Deployment/$ref", 1),
        (Minimal, "Deployments(5)/Region", 1),
        (Minimal, "Deployments(5)/Id", 1),
        (Exact, "Deployments(5)/Id", 1),
        (Minimal, "HourlyIntensities(DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z)/PeriodEnd", 1),
        (
            Minimal,
            "HourlyIntensities?$apply=groupby((Provider,FunctionalUnit),aggregate(AcceleratorJoules with sum as Energy,$count as Hours))",
            12
        ),
        (
            Full,
            "HourlyIntensities?$apply=groupby((Provider,FunctionalUnit),aggregate(AcceleratorJoules with sum as "
                + "Energy,PeriodStart with max as Last,Date with min as First,$count as Hours))",
            12
        ),
        (Exact, "HourlyIntensities?$apply=groupby((DeploymentId),aggregate($count as Hours,DateKey with sum as Keys))", 12),
        (
            Minimal,
            "HourlyIntensities?$apply=filter(FunctionalUnit eq 'nothing')/aggregate(AcceleratorJoules with sum as Energy,$count as N)",
            1
        ),
        (Minimal, "HourlyIntensities?$apply=groupby((Deployment/Country),aggregate($count as N))", 6),
        (Minimal, "HourlyIntensities?$apply=filter(FunctionalUnit eq 'request')/aggregate(JoulesPerUnit,Units)", 1),
        (Minimal, "HourlyIntensities?$apply=groupby((FunctionalUnit))&$orderby=FunctionalUnit&$top=3&$count=true", 3),
    ];

    public static TheoryData<StorageEngine, string, string, int> Answers
    {
        get
        {
            var all = new TheoryData<StorageEngine, string, string, int>();
            foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
            foreach (var (accept, url, told) in Asked)
                all.Add(engine, accept, url, told);
            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Every_answer_is_valid(StorageEngine engine, string accept, string url, int told)
    {
        var service = services[engine];
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await service.Client.SendAsync(request);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());

        Assert.Equal(
            told,
            Read(
                await ModelAsync(service),
                service.Client.BaseAddress!,
                response,
                await response.Content.ReadAsByteArrayAsync(),
                computed: url.Contains("$apply", StringComparison.Ordinal) || url.Contains("$compute", StringComparison.Ordinal)
            )
        );
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task Pages_lead_to_the_last_row(StorageEngine engine)
    {
        var service = services[engine];
        var model = await ModelAsync(service);
        var rows = 0;
        for (Uri? next = new(service.Client.BaseAddress!, "HourlyIntensities?$select=DeploymentId"); next is not null; )
        {
            using var response = await service.Client.GetAsync(next);
            rows += Read(
                model,
                service.Client.BaseAddress!,
                response,
                await response.Content.ReadAsByteArrayAsync(),
                computed: false,
                out next
            );
        }

        Assert.Equal(SeededRows.Hours, rows);
    }

    [Fact]
    public async Task An_error_is_read_as_one()
    {
        var service = services[StorageEngine.Sqlite];
        using var response = await service.Client.GetAsync("HourlyIntensities?$filter=Nope eq 1");
        using var reader = Reader(
            await ModelAsync(service),
            service.Client.BaseAddress!,
            response,
            await response.Content.ReadAsByteArrayAsync(),
            computed: false
        );
        var error = reader.ReadError();

        Assert.Equal(("UnknownProperty", "$filter"), (error.Code, error.Target));
        Assert.StartsWith("$filter: there is no property 'Nope' here", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "multipart/mixed;boundary=b",
        "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET Deployments(5) HTTP/1.1\r\nAccept: "
            + "application/json\r\n\r\n\r\n--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET "
            + "Sources?$top=1 HTTP/1.1\r\n\r\n\r\n--b--\r\n"
    )]
    [InlineData(
        "application/json",
        """{"requests":[{"id":"1","method":"GET","url":"Deployments(5)"},{"id":"2","method":"GET","url":"Sources?$top=1"}]}"""
    )]
    public async Task A_batch_is_read_part_by_part(string type, string body)
    {
        var service = services[StorageEngine.Postgres];
        var model = await ModelAsync(service);
        using var content = new StringContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        using var response = await service.Client.PostAsync("$batch", content);
        using var reader = Reader(
            model,
            service.Client.BaseAddress!,
            response,
            await response.Content.ReadAsByteArrayAsync(),
            computed: false
        );
        var batch = reader.CreateODataBatchReader();
        var read = new List<int>();
        while (batch.Read())
        {
            if (batch.State != ODataBatchReaderState.Operation)
                continue;
            var part = batch.CreateOperationResponseMessage();
            Assert.Equal(200, part.StatusCode);
            using var inner = new ODataMessageReader(
                (IODataResponseMessage)part,
                Settings(service.Client.BaseAddress!, computed: false),
                model
            );
            read.Add(Read(inner, model, out _));
        }

        Assert.Equal([1, 1], read);
    }

    [Fact]
    public async Task The_model_is_valid_for_the_library_of_today_and_of_yesterday()
    {
        var service = services[StorageEngine.Sqlite];
        var xml = await service.Client.GetStringAsync("$metadata");
        var sets = (await service.GetAsync(""))
            .GetProperty("value")
            .EnumerateArray()
            .Select(set => set.GetProperty("name").GetString()!)
            .Order(StringComparer.Ordinal)
            .ToList();
        var model = await ModelAsync(service);
        model.Validate(out var errors);
        Assert.DoesNotContain(errors, error => IsUnmet(error.ToString()));

        // Version 7 is a program of its own: two versions do not live in one process.
        var program = Path.Combine(
            AppContext.BaseDirectory,
            "..",
            "..",
            "..",
            "..",
            "Readers",
            "bin",
            new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name,
            "net10.0",
            "Metrics.Readers.dll"
        );
        using var process = Process.Start(
            new ProcessStartInfo("dotnet", [program]) { RedirectStandardInput = true, RedirectStandardOutput = true }
        )!;
        await process.StandardInput.WriteAsync(xml);
        process.StandardInput.Close();
        var told = JsonDocument.Parse(await process.StandardOutput.ReadToEndAsync()).RootElement;
        await process.WaitForExitAsync();

        Assert.StartsWith("7.", told.GetProperty("library").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(told.GetProperty("errors").EnumerateArray(), error => IsUnmet(error.GetString()!));
        Assert.Equal(sets, told.GetProperty("sets").EnumerateObject().Select(set => set.Name).Order(StringComparer.Ordinal));
        var hour = told.GetProperty("types").GetProperty("Metrics.HourlyIntensity");
        Assert.Equal("""["DeploymentId","FunctionalUnit","PeriodStart"]""", JsonSerializer.Serialize(hour.GetProperty("key")));
        var joules = hour.GetProperty("properties").GetProperty("FacilityJoules");
        Assert.Equal(
            ("Edm.Double", true, "J"),
            (
                joules.GetProperty("type").GetString(),
                joules.GetProperty("nullable").GetBoolean(),
                joules.GetProperty("annotations").GetProperty("Org.OData.Measures.V1.Unit").GetString()
            )
        );
        var start = hour.GetProperty("properties").GetProperty("PeriodStart");
        Assert.Equal(
            ("Edm.DateTimeOffset", false, 6),
            (start.GetProperty("type").GetString(), start.GetProperty("nullable").GetBoolean(), start.GetProperty("precision").GetInt32())
        );
        foreach (
            var property in told.GetProperty("types")
                .EnumerateObject()
                .SelectMany(type => type.Value.GetProperty("properties").EnumerateObject())
        )
            Assert.NotEqual("", property.Value.GetProperty("annotations").GetProperty("Org.OData.Core.V1.Description").GetString());
    }

    // The vocabulary of aggregation is referenced by its address, from which these readers fetch nothing: its terms are unknown to them,
    // and that is all that they may say.
    private static bool IsUnmet(string error) => !error.Contains("Org.OData.Aggregation.V1", StringComparison.Ordinal);

    private static async Task<IEdmModel> ModelAsync(ODataService service)
    {
        using var xml = XmlReader.Create(new StringReader(await service.Client.GetStringAsync("$metadata")));
        return CsdlReader.TryParse(xml, out var model, out var errors)
            ? model
            : throw new InvalidOperationException(string.Join("; ", errors));
    }

    private static ODataMessageReaderSettings Settings(Uri root, bool computed) =>
        new()
        {
            BaseUri = root,
            MessageQuotas = new ODataMessageQuotas { MaxReceivedMessageSize = 16 * 1024 * 1024 },
            // What a query computes is no property of the model.
            Validations = computed ? ValidationKinds.All & ~ValidationKinds.ThrowOnUndeclaredPropertyForNonOpenType : ValidationKinds.All,
        };

    private static ODataMessageReader Reader(IEdmModel model, Uri root, HttpResponseMessage response, byte[] body, bool computed) =>
        new((IODataResponseMessage)new Answer(response, body), Settings(root, computed), model);

    private static int Read(IEdmModel model, Uri root, HttpResponseMessage response, byte[] body, bool computed) =>
        Read(model, root, response, body, computed, out _);

    private static int Read(IEdmModel model, Uri root, HttpResponseMessage response, byte[] body, bool computed, out Uri? next)
    {
        using var reader = Reader(model, root, response, body, computed);
        return Read(reader, model, out next);
    }

    /// <returns>How many entities, or values, there are.</returns>
    private static int Read(ODataMessageReader reader, IEdmModel model, out Uri? next)
    {
        next = null;
        var kinds = reader.DetectPayloadKind().Select(kind => kind.PayloadKind).ToList();
        if (kinds.Contains(ODataPayloadKind.ServiceDocument))
        {
            var document = reader.ReadServiceDocument();
            Assert.Equal(
                model.EntityContainer.EntitySets().Select(set => set.Name).Order(StringComparer.Ordinal),
                document.EntitySets.Select(set => set.Name).Order(StringComparer.Ordinal)
            );
            return 0;
        }
        if (kinds.Contains(ODataPayloadKind.EntityReferenceLink))
            return reader.ReadEntityReferenceLink().Url.IsAbsoluteUri ? 1 : 0;
        if (kinds.Contains(ODataPayloadKind.Property))
            return reader.ReadProperty().Value is not null ? 1 : 0;
        var rows = kinds.Contains(ODataPayloadKind.ResourceSet)
            ? reader.CreateODataResourceSetReader()
            : reader.CreateODataResourceReader();
        var entities = 0;
        while (rows.Read())
        {
            if (rows.State == ODataReaderState.ResourceEnd && rows.Item is ODataResource)
                entities++;
            if (rows.State == ODataReaderState.ResourceSetEnd)
                next = ((ODataResourceSet)rows.Item).NextPageLink;
        }
        return entities;
    }

    private sealed class Answer(HttpResponseMessage response, byte[] body) : IODataResponseMessage
    {
        public IEnumerable<KeyValuePair<string, string>> Headers =>
            response
                .Headers.Concat(response.Content.Headers)
                .Select(header => KeyValuePair.Create(header.Key, string.Join(',', header.Value)));

        public int StatusCode
        {
            get => (int)response.StatusCode;
            set => throw new NotSupportedException();
        }

        public string GetHeader(string headerName) =>
            Headers.FirstOrDefault(header => header.Key.Equals(headerName, StringComparison.OrdinalIgnoreCase)).Value;

        public void SetHeader(string headerName, string headerValue) => throw new NotSupportedException();

        public Stream GetStream() => new MemoryStream(body, writable: false);
    }
}
