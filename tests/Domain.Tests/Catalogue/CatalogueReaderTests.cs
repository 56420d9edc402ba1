using System.Text.Json;
using System.Text.Json.Nodes;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests.Catalogue;

public class CatalogueReaderTests
{
    private const string Energy = """
        { "id": "prometheus/x", "version": 1, "metric": "x_joules_total", "unit": "J", "kind": "cumulative", "component": "node",
        "evidence": "measured",
          "resource": { "kind": "node", "id": ["instance"] }, "maxSpan": "01:00:00", "effectiveFrom": "2020-01-01",
          "reference": "https://example.org/x" }
        """;

    private const string Power = """
        { "id": "prometheus/x", "version": 1, "metric": "x_watts", "unit": "W", "kind": "gauge", "component": "node", "evidence": "derived",
          "resource": { "kind": "node", "id": ["instance"] }, "maxSpan": "00:05:00", "effectiveFrom": "2020-01-01",
          "reference": "https://example.org/x" }
        """;

    private const string Utilisation = """
        { "id": "prometheus/x", "version": 1, "metric": "x_ratio", "unit": "1", "kind": "gauge", "component": "cpu", "evidence": "modelled",
          "power": { "idleWatts": 1, "maxWatts": 3.5, "unitsLabel": "cpus", "reference": "https://example.org/watts" },
          "resource": { "kind": "node", "id": ["instance"] }, "maxSpan": "00:05:00", "effectiveFrom": "2020-01-01",
          "reference": "https://example.org/x" }
        """;

    private const string Work = """
        { "id": "prometheus/x", "version": 1, "metric": "x_tokens_total", "unit": "{token}", "kind": "cumulative",
        "functionalUnit": "output-token", "evidence": "measured",
          "resource": { "kind": "endpoint", "id": ["instance"] }, "maxSpan": "01:00:00", "effectiveFrom": "2020-01-01",
          "reference": "https://example.org/x" }
        """;

    private const string Units =
        "%, 0.1kWh, 1, 10W, J, W, Wh, kW, kWh, mJ, mW, uJ, uW, {audio-second}, {character}, {image}, {inference}, {info}, {page}, "
        + "{request}, {token}, {video-second}, {workflow}";
    private const string FunctionalUnits =
        "audio-second, cached-input-token, character, image, inference, input-token, output-token, page, request, token, "
        + "video-second, workflow";
    private const string Components = "accelerator, cpu, core, uncore, memory, platform, module, node, psu, outlet, pdu, rack";

    private static string File(params string[] mappings) =>
        $$"""{ "provider": "prometheus", "mappings": [ {{string.Join(", ", mappings)}} ] }""";

    /// <summary>The entry with a property set to JSON, or removed when the JSON is null.</summary>
    private static string With(string entry, string property, string? json)
    {
        var node = JsonNode.Parse(entry)!.AsObject();
        node.Remove(property);
        if (json is null)
            return node.ToJsonString();
        var text = node.ToJsonString();
        return $"{text[..^1]}, \"{property}\": {json}}}";
    }

    private static IReadOnlyList<string> Faults(params string[] files) =>
        Assert
            .Throws<CatalogueException>(() =>
                CatalogueReader.Read(files.Select((text, index) => ($"{(char)('a' + index)}.metrics.json", text)))
            )
            .Errors;

    private static void Refused(string entry, string message) => Assert.Equal([message], Faults(File(entry)));

    private static void Refused(string entry, string property, string? json, string message) =>
        Refused(With(entry, property, json), $"a.metrics.json: mappings[0] 'prometheus/x': {property}: {message}");

    [Fact]
    public void An_entry_is_read_with_everything_it_says()
    {
        var catalogue = CatalogueReader.Read([
            (
                "a.metrics.json",
                """
                // Comments and trailing commas are allowed.
                {
                  "$schema": "mapping.schema.json",
                  "provider": "prometheus",
                  "resources": { "gpu": { "kind": "gpu", "id": ["UUID", "uuid"], "node": "instance", "part": ["cpu"],
                  "hardware": ["modelName"] } },
                  "mappings": [
                    {
                      "id": "prometheus/x", "version": 2, "metric": ["a_total", "b_total"],
                      "when": { "state": "!terminated", "zone": ["package", "dram"] },
                      "unit": "mJ", "kind": "cumulative", "component": "accelerator", "share": true, "evidence": "modelled",
                      "wrapsAt": 262143.5, "sentinelFrom": 9e18, "ceiling": 900,
                      "resource": "gpu", "maxSpan": "00:30:00", "effectiveFrom": "2024-02-29",
                      "reference": "https://example.org/x", /* the end */
                    },
                  ],
                }
                """
            ),
        ]);

        var mapping = Assert.Single(catalogue.Mappings);
        Assert.Equal("prometheus/x", mapping.Id);
        Assert.Equal(2, mapping.Version);
        Assert.Equal("prometheus", mapping.Provider);
        Assert.Equal(["a_total", "b_total"], mapping.Metrics);
        Assert.Equal(["state", "zone"], mapping.When.Select(condition => condition.Label));
        Assert.Equal(["!terminated"], mapping.When[0].Globs);
        Assert.Equal(["package", "dram"], mapping.When[1].Globs);
        Assert.Equal(Unit.Parse("mJ"), mapping.Unit);
        Assert.Equal(SampleKind.Cumulative, mapping.Kind);
        Assert.Equal(Component.Accelerator, mapping.Component);
        Assert.True(mapping.Share);
        Assert.Equal(Evidence.Modelled, mapping.Evidence);
        Assert.Equal(262143.5, mapping.WrapsAt);
        Assert.Equal(9e18, mapping.SentinelFrom);
        Assert.Equal(900, mapping.Ceiling);
        Assert.False(mapping.Hold);
        Assert.Null(mapping.FunctionalUnit);
        Assert.Null(mapping.Power);
        Assert.Equal("gpu", mapping.Resource.Kind);
        Assert.Equal(["UUID", "uuid"], mapping.Resource.Id);
        Assert.Equal(["instance"], mapping.Resource.Node);
        Assert.Equal(["cpu"], mapping.Resource.Part);
        Assert.Equal(["modelName"], mapping.Resource.Hardware);
        Assert.Equal(TimeSpan.FromMinutes(30), mapping.MaxSpan);
        Assert.Equal(new DateOnly(2024, 2, 29), mapping.EffectiveFrom);
        Assert.Equal("https://example.org/x", mapping.Reference);
    }

    [Fact]
    public void Work_has_a_functional_unit_and_no_component()
    {
        var mapping = Assert.Single(CatalogueReader.Read([("a", File(Work))]).Mappings);
        Assert.Equal("output-token", mapping.FunctionalUnit);
        Assert.Equal(Component.None, mapping.Component);
    }

    [Fact]
    public void Utilisation_has_the_watts_behind_it()
    {
        var mapping = Assert.Single(CatalogueReader.Read([("a", File(Utilisation))]).Mappings);
        Assert.Equal(new UtilisationPower(1, 3.5, "cpus", "https://example.org/watts"), mapping.Power);
    }

    [Fact]
    public void Utilisation_may_leave_the_watts_to_the_hardware() =>
        Assert.Null(Assert.Single(CatalogueReader.Read([("a", File(With(Utilisation, "power", null)))]).Mappings).Power);

    [Fact]
    public void A_gauge_may_hold_its_value() =>
        Assert.True(Assert.Single(CatalogueReader.Read([("a", File(With(Power, "hold", "true")))]).Mappings).Hold);

    [Theory]
    [InlineData("\"01:00:00\"", 3600)]
    [InlineData("\"00:00:01\"", 1)]
    public void A_span_is_above_zero_and_at_most_an_hour(string json, int seconds) =>
        Assert.Equal(
            seconds,
            Assert.Single(CatalogueReader.Read([("a", File(With(Energy, "maxSpan", json)))]).Mappings).MaxSpan.TotalSeconds
        );

    [Fact]
    public void No_file_is_an_empty_catalogue() => Assert.Empty(CatalogueReader.Read([]).Mappings);

    [Fact]
    public void Six_cells_of_quantity_and_kind_are_refused()
    {
        const string energy =
            "energy cannot be a gauge, for a level of energy does not say what was used; use 'cumulative' for a running counter, "
            + "whatever type the exporter gives it, or 'delta' for the energy of an interval";
        const string power = "power is a level and cannot be a delta or a counter; use 'gauge', or a unit of energy";
        const string utilisation = "utilisation is a level and cannot be a delta or a counter; use 'gauge'";
        const string work =
            "work cannot be a gauge, for a level is not an amount; use 'cumulative' for a running counter or 'delta' for the "
            + "count of an interval";
        Refused(Energy, "kind", "\"gauge\"", energy);
        Refused(Power, "kind", "\"delta\"", power);
        Refused(Power, "kind", "\"cumulative\"", power);
        Refused(Utilisation, "kind", "\"delta\"", utilisation);
        Refused(Utilisation, "kind", "\"cumulative\"", utilisation);
        Refused(Work, "kind", "\"gauge\"", work);
    }

    [Theory]
    [InlineData(Energy, "\"cumulative\"")]
    [InlineData(Energy, "\"delta\"")]
    [InlineData(Power, "\"gauge\"")]
    [InlineData(Utilisation, "\"gauge\"")]
    [InlineData(Work, "\"cumulative\"")]
    [InlineData(Work, "\"delta\"")]
    public void Six_cells_of_quantity_and_kind_are_accepted(string entry, string kind) =>
        Assert.Single(CatalogueReader.Read([("a", File(With(entry, "kind", kind)))]).Mappings);

    [Fact]
    public void Work_and_functional_units_belong_together()
    {
        Refused(Work, "functionalUnit", null, $"is missing, and '{{token}}' is a unit of work; name one of: {FunctionalUnits}");
        Refused(Work, "functionalUnit", "\"word\"", $"'word' is not a known functional unit; use one of: {FunctionalUnits}");
        Refused(Work, "functionalUnit", "\"request\"", "'request' is counted in {request}, and the unit is {token}; change one of them");
        Refused(Energy, "functionalUnit", "\"request\"", "is given, and 'J' is a unit of energy; leave it out");
        Refused(Power, "functionalUnit", "\"request\"", "is given, and 'W' is a unit of power; leave it out");
    }

    [Fact]
    public void Energy_has_a_component_and_work_has_none()
    {
        Refused(Energy, "component", null, $"is missing, and 'J' is a unit of energy; name one of: {Components}");
        Refused(Power, "component", null, $"is missing, and 'W' is a unit of power; name one of: {Components}");
        Refused(Utilisation, "component", null, $"is missing, and '1' is a unit of utilisation; name one of: {Components}");
        Refused(Energy, "component", "\"none\"", $"'none' is not one of: {Components}; use one of them");
        Refused(Work, "component", "\"node\"", "is given, and work has none; leave it out");
        Refused(Work, "share", "true", "is true, and only energy is shared out; leave it out");
    }

    [Fact]
    public void Evidence_is_not_better_than_the_quantity_allows()
    {
        Refused(Power, "evidence", "\"measured\"", "'measured' is better than power can give; at best it is 'derived'");
        Refused(Utilisation, "evidence", "\"measured\"", "'measured' is better than utilisation can give; at best it is 'modelled'");
        Refused(Utilisation, "evidence", "\"derived\"", "'derived' is better than utilisation can give; at best it is 'modelled'");
        Refused(Energy, "evidence", "\"certain\"", "'certain' is not one of: measured, derived, modelled, estimated; use one of them");
    }

    [Fact]
    public void An_unknown_unit_is_refused_and_case_counts()
    {
        Refused(Energy, "unit", "\"KWh\"", $"'KWh' is not a known unit; use one of: {Units}");
        Refused(Energy, "unit", "\"\"", "is empty; write a text or leave the property out");
    }

    [Theory]
    [InlineData("\"01:00:01\"", "01:00:01")]
    [InlineData("\"00:00:00\"", "00:00:00")]
    [InlineData("\"-00:05:00\"", "-00:05:00")]
    [InlineData("\"5 minutes\"", "5 minutes")]
    [InlineData("\"24:00:00\"", "24:00:00")]
    public void A_span_that_is_none_or_too_long_is_refused(string json, string shown) =>
        Refused(
            Energy,
            "maxSpan",
            json,
            $"'{shown}' does not fit; write hours, minutes and seconds above 00:00:00 and at most 01:00:00, such as \"00:05:00\""
        );

    [Fact]
    public void Properties_that_do_not_go_with_the_kind_are_refused()
    {
        Refused(Power, "wrapsAt", "262144", "is given, and only a cumulative counter wraps; leave it out");
        Refused(Energy, "hold", "true", "is true, and only a gauge holds its value; leave it out");
        Refused(
            Power,
            "power",
            """{ "idleWatts": 1, "maxWatts": 2, "reference": "https://example.org/x" }""",
            "is given, and 'W' is a unit of power; leave it out, it turns utilisation into watts"
        );
        Refused(Energy, "wrapsAt", "0", "is 0; write a number above zero");
        Refused(Energy, "sentinelFrom", "-1", "is -1; write a number above zero");
        Refused(Energy, "ceiling", "0", "is 0; write a number above zero");
        Refused(Utilisation, "ceiling", "500", "is given, and utilisation ends at the whole capacity; leave it out");
        Refused(Energy, "wrapsAt", "1e999", "1e999 is beyond a double; write a smaller number");
    }

    [Fact]
    public void The_watts_behind_utilisation_must_make_sense()
    {
        static void Wrong(string json, params string[] messages) =>
            Assert.Equal(
                messages.Select(message => $"a.metrics.json: mappings[0] 'prometheus/x': power: {message}"),
                Faults(File(With(Utilisation, "power", json)))
            );

        Wrong(
            "{}",
            "idleWatts: is missing; add the watts at utilisation 0, for each unit; or thermalDesignWatts in place of both",
            "maxWatts: is missing; add the watts at utilisation 1, for each unit",
            "reference: is missing; add the address or citation that the watts come from"
        );
        Wrong(
            """{ "idleWatts": -1, "maxWatts": 2, "reference": "https://example.org/x" }""",
            "idleWatts: is below zero; write the watts at utilisation 0"
        );
        Wrong(
            """{ "idleWatts": 0, "maxWatts": 0, "reference": "https://example.org/x" }""",
            "maxWatts: is not above zero; write the watts at utilisation 1"
        );
        Wrong("""{ "idleWatts": 3, "maxWatts": 2, "reference": "https://example.org/x" }""", "maxWatts: is below idleWatts; exchange them");
        Wrong(
            """{ "idleWatts": 1, "maxWatts": 2, "reference": "a colleague" }""",
            "reference: 'a colleague' is neither an address nor a citation; write an https:// address, or author, title and year"
        );
        Wrong(
            """{ "idleWatts": 1, "maxWatts": 2, "tdp": 5, "reference": "https://example.org/x" }""",
            "tdp: is not a known property; known are: idleWatts, maxWatts, thermalDesignWatts, unitsLabel, reference"
        );
        Wrong(
            """{ "idleWatts": 1, "thermalDesignWatts": 200, "reference": "https://example.org/x" }""",
            "idleWatts: is given beside thermalDesignWatts, whose curve tells it; leave one of them out"
        );
        Wrong(
            """{ "thermalDesignWatts": 0 }""",
            "reference: is missing; add the address or citation that the watts come from",
            "thermalDesignWatts: is not above zero; write the thermal design power of one unit in watts"
        );
        Wrong("3", "is the number 3; write an object in braces");
    }

    [Fact]
    public void A_reference_is_an_address_or_a_citation()
    {
        Refused(Energy, "reference", null, "is missing; add the address or citation where it is written what the metric means");
        Refused(
            Energy,
            "reference",
            "\"the manual\"",
            "'the manual' is neither an address nor a citation; write an https:// address, or author, title and year"
        );
        Refused(
            Energy,
            "reference",
            "\"file:///etc/manual\"",
            "'file:///etc/manual' is neither an address nor a citation; write an https:// address, or author, title and year"
        );
        Assert.Single(CatalogueReader.Read([("a", File(With(Energy, "reference", "\"IPMI, DCMI specification 1.5, 2011\"")))]).Mappings);
    }

    [Theory]
    [InlineData("id", "a name that is unique in the catalogue, for instance \"prometheus/dcgm-energy\"")]
    [InlineData("version", "1, and raise it whenever the meaning of the entry changes")]
    [InlineData("metric", "the metric's name, or a list of its spellings")]
    [InlineData("unit", "the unit of the raw value, for instance \"mJ\"")]
    [InlineData("kind", "one of: gauge, delta, cumulative, info")]
    [InlineData("evidence", "one of: measured, derived, modelled, estimated")]
    [InlineData("resource", "the labels that name the resource, or the name of an entry of 'resources'")]
    [InlineData("maxSpan", "the longest time between two samples that still counts, for instance \"00:05:00\"")]
    [InlineData("effectiveFrom", "the first day that the entry holds for, for instance \"2020-01-01\"")]
    [InlineData("reference", "the address or citation where it is written what the metric means")]
    public void A_missing_property_is_named_with_what_to_write(string property, string meaning) =>
        Refused(
            With(Energy, property, null),
            $"a.metrics.json: mappings[0]{(property == "id" ? "" : " 'prometheus/x'")}: {property}: is missing; add {meaning}"
        );

    [Fact]
    public void An_unknown_property_is_refused() =>
        Refused(
            Energy,
            "colour",
            "\"red\"",
            "is not a known property; known are: id, version, metric, when, statistic, period, unit, kind, functionalUnit, "
                + "component, share, limit, resource, evidence, wrapsAt, sentinelFrom, ceiling, hold, maxSpan, power, scale, rollUp, "
                + "nested, layer, estimate, effectiveFrom, reference"
        );

    [Fact]
    public void Utilisation_says_how_its_value_is_scaled()
    {
        const string scale = """{ "summed": true, "devicesLabel": "GpuCount", "serversLabel": "InstanceCount", "capped": true }""";
        var mapping = Assert.Single(CatalogueReader.Read([("a", File(With(Utilisation, "scale", scale)))]).Mappings);
        Assert.Equal(new UtilisationScale(true, "GpuCount", "InstanceCount", true), mapping.Scale);
    }

    [Fact]
    public void Work_says_what_else_tells_it_and_which_model_did_it()
    {
        var entry = With(
            With(
                With(
                    With(
                        With(Work, "rollUp", """{ "family": "api", "level": 2, "within": "account" }"""),
                        "estimate",
                        """{ "model": ["ModelId", "model"] }"""
                    ),
                    "nested",
                    "\"part\""
                ),
                "statistic",
                "\"sum\""
            ),
            "period",
            "\"00:01:00\""
        );
        var mapping = Assert.Single(CatalogueReader.Read([("a", File(entry))]).Mappings);
        Assert.Equal(("api", 2, "account"), (mapping.RollUp!.Family, mapping.RollUp.Level, Assert.Single(mapping.RollUp.Within)));
        Assert.Equal(["ModelId", "model"], mapping.EstimateModel);
        Assert.Equal("part", mapping.Nested);
        Assert.Equal((Statistic.Sum, TimeSpan.FromMinutes(1)), (mapping.Statistic, mapping.Period));
    }

    [Theory]
    [InlineData("engine", WorkLayer.Engine)]
    [InlineData("router", WorkLayer.Router)]
    [InlineData("gateway", WorkLayer.Gateway)]
    [InlineData("client", WorkLayer.Client)]
    public void Work_says_which_layer_counts_it_and_without_a_word_it_is_the_engine(string word, WorkLayer layer)
    {
        Assert.Equal(layer, Assert.Single(CatalogueReader.Read([("a", File(With(Work, "layer", $"\"{word}\"")))]).Mappings).Layer);
        Assert.Equal(WorkLayer.Engine, Assert.Single(CatalogueReader.Read([("a", File(Work))]).Mappings).Layer);
    }

    [Fact]
    public void The_power_of_a_board_may_be_its_limit() =>
        Assert.True(
            Assert
                .Single(CatalogueReader.Read([("a", File(With(With(Power, "component", "\"accelerator\""), "limit", "true")))]).Mappings)
                .Limit
        );

    [Fact]
    public void A_resource_may_name_the_type_of_its_host() =>
        Assert.Equal(
            ["InstanceType"],
            Assert
                .Single(
                    CatalogueReader
                        .Read([
                            ("a", File(With(Power, "resource", """{ "kind": "gpu", "node": "host", "nodeHardware": "InstanceType" }"""))),
                        ])
                        .Mappings
                )
                .Resource.NodeHardware
        );

    [Fact]
    public void What_only_some_quantities_have_is_refused_for_the_others()
    {
        Refused(Power, "limit", "true", "is true, and only the power of an accelerator board has an enforced limit; leave it out");
        Refused(Energy, "limit", "true", "is true, and only the power of an accelerator board has an enforced limit; leave it out");
        Refused(
            Power,
            "scale",
            """{ "capped": true }""",
            "is given, and 'W' is a unit of power; leave it out, it makes a ratio of utilisation"
        );
        Refused(
            Energy,
            "rollUp",
            """{ "family": "a", "level": 0 }""",
            "is given, and 'J' is a unit of energy; leave it out, it tells which counts of work are the same"
        );
        Refused(
            Energy,
            "nested",
            "\"model\"",
            "is given, and 'J' is a unit of energy; leave it out, it tells which counts of work are the same"
        );
        Refused(
            Power,
            "layer",
            "\"gateway\"",
            "is given, and 'W' is a unit of power; leave it out, it tells which counts of work are the same"
        );
        Refused(Energy, "estimate", """{ "model": "m" }""", "is given, and only output tokens give an estimate of energy; leave it out");
        Refused(
            With(Work, "functionalUnit", "\"input-token\""),
            "estimate",
            """{ "model": "m" }""",
            "is given, and only output tokens give an estimate of energy; leave it out"
        );
    }

    [Fact]
    public void A_scale_a_roll_up_and_an_estimate_are_checked()
    {
        Refused(Utilisation, "scale", "{ }", "says nothing; name summed, serversLabel or capped, or leave it out");
        Refused(Utilisation, "scale", "5", "is the number 5; write an object in braces");
        Refused(
            With(Utilisation, "scale", """{ "devicesLabel": "n" }"""),
            "a.metrics.json: mappings[0] 'prometheus/x': scale: devicesLabel: is given, and the value is no sum over devices; add "
                + "\"summed\": true or leave it out"
        );
        Refused(
            With(Work, "rollUp", """{ "family": "Api", "level": 0 }"""),
            "a.metrics.json: mappings[0] 'prometheus/x': rollUp: family: 'Api' is not a name of a family; write lower-case "
                + "letters, digits and hyphens"
        );
        Refused(
            With(Work, "rollUp", """{ "family": "api", "level": -1 }"""),
            "a.metrics.json: mappings[0] 'prometheus/x': rollUp: level: is -1; levels count from 0"
        );
        Refused(
            With(Work, "estimate", """{ "model": [] }"""),
            "a.metrics.json: mappings[0] 'prometheus/x': estimate: model: is an empty list; name at least one or leave the property out"
        );
        Refused(Work, "statistic", "\"raw\"", "'raw' is not one of: average, sum, minimum, maximum, sampleCount; use one of them");
        Refused(
            Work,
            "period",
            "\"1m\"",
            "'1m' does not fit; write hours, minutes and seconds above 00:00:00 and at most 01:00:00, such as \"00:05:00\""
        );
    }

    [Fact]
    public void A_property_given_twice_is_refused() =>
        Refused(
            Energy.Replace("\"version\": 1,", "\"version\": 1, \"version\": 1,", StringComparison.Ordinal),
            "a.metrics.json: mappings[0] 'prometheus/x': version: is given twice; keep one"
        );

    [Theory]
    [InlineData("version", "\"1\"", "is the text '1'; write a whole number without quotes")]
    [InlineData("version", "1.5", "is 1.5; write a whole number without quotes")]
    [InlineData("version", "0", "is 0; versions count from 1")]
    [InlineData("unit", "5", "is the number 5; write a text in quotes")]
    [InlineData("unit", "null", "is null; write a text in quotes")]
    [InlineData("metric", "7", "holds the number 7; write texts in quotes")]
    [InlineData("metric", "[\"a\", {}]", "holds an object; write texts in quotes")]
    [InlineData("metric", "[]", "is an empty list; name at least one or leave the property out")]
    [InlineData("metric", "[\"a\", \"\"]", "holds an empty text; write a name or remove it")]
    [InlineData("metric", "[\"a\", \"a\"]", "'a' stands in the list twice; keep one")]
    [InlineData("share", "\"yes\"", "is the text 'yes'; write true or false without quotes")]
    [InlineData("wrapsAt", "\"262144\"", "is the text '262144'; write a number without quotes")]
    [InlineData("kind", "\"Cumulative\"", "'Cumulative' is not one of: gauge, delta, cumulative, info; use one of them")]
    [InlineData("effectiveFrom", "\"01.02.2024\"", "'01.02.2024' is not a day; write it as \"2020-01-31\"")]
    [InlineData("effectiveFrom", "\"2023-02-29\"", "'2023-02-29' is not a day; write it as \"2020-01-31\"")]
    [InlineData("resource", "\"gpu\"", "'gpu' is not in 'resources' of the file; add it there or write the labels here")]
    public void A_value_of_the_wrong_type_or_form_is_refused(string property, string json, string message) =>
        Refused(Energy, property, json, message);

    [Theory]
    [InlineData("\"aws/x\"", "aws/x")]
    [InlineData("\"prometheus/X\"", "prometheus/X")]
    [InlineData("\"x\"", "x")]
    public void An_id_begins_with_its_provider(string json, string shown) =>
        Refused(
            With(Energy, "id", json),
            $"a.metrics.json: mappings[0] '{shown}': id: '{shown}' does not fit; write 'prometheus/' and a name in lower-case "
                + "letters, digits and hyphens"
        );

    [Theory]
    [InlineData("{ \"state\": [] }", "when: state: is an empty list; name at least one or leave the property out")]
    [InlineData("{ \"state\": 5 }", "when: state: holds the number 5; write texts in quotes")]
    [InlineData("{ \"state\": \"a\", \"state\": \"b\" }", "when: state: is given twice; keep one")]
    [InlineData("[\"state\"]", "when: is a list; write an object in braces")]
    public void A_condition_that_cannot_be_read_is_refused(string json, string message) =>
        Refused(With(Energy, "when", json), $"a.metrics.json: mappings[0] 'prometheus/x': {message}");

    [Theory]
    [InlineData("{ \"kind\": \"node\" }", "id: is empty, and so is node; name the labels that may hold the resource's identity")]
    [InlineData(
        "{ \"id\": \"instance\" }",
        "kind: is missing; add what draws the power or does the work, for instance \"gpu\" or \"node\""
    )]
    [InlineData(
        "{ \"kind\": \"GPU\", \"id\": \"instance\" }",
        "kind: 'GPU' is not a kind of resource; write lower-case letters, digits and hyphens"
    )]
    [InlineData(
        "{ \"kind\": \"gpu\", \"uuid\": \"UUID\", \"node\": \"instance\" }",
        "uuid: is not a known property; known are: kind, id, node, part, hardware, nodeHardware, account, scope, " + "alias"
    )]
    [InlineData("{ \"kind\": \"gpu\", \"id\": [\"UUID\", 5] }", "id: holds the number 5; write texts in quotes")]
    public void A_resource_that_cannot_be_told_is_refused(string json, string message) =>
        Refused(With(Energy, "resource", json), $"a.metrics.json: mappings[0] 'prometheus/x': resource: {message}");

    [Fact]
    public void A_template_is_checked_once_however_many_use_it()
    {
        var first = With(Energy, "resource", "\"gpu\"");
        var second = With(With(first, "id", "\"prometheus/y\""), "metric", "\"y_joules_total\"");
        Assert.Equal(
            ["a.metrics.json: resources 'gpu': part: holds the number 1; write texts in quotes"],
            Faults(
                $$"""
                { "provider": "prometheus", "resources": { "gpu": { "kind": "gpu", "id": "UUID", "part": [1] } },
                  "mappings": [ {{first}}, {{second}} ] }
                """
            )
        );
    }

    [Fact]
    public void A_name_that_is_no_template_says_which_there_are() =>
        Assert.Equal(
            [
                "a.metrics.json: mappings[0] 'prometheus/x': resource: 'gpu' is not in 'resources' of the file, which has: board; "
                    + "add it there or write the labels here",
            ],
            Faults(
                $$"""
                { "provider": "prometheus", "resources": { "board": { "kind": "gpu", "id": "UUID" } },
                  "mappings": [ {{With(Energy, "resource", "\"gpu\"")}} ] }
                """
            )
        );

    [Theory]
    [InlineData("[]", "a.metrics.json: is a list; write an object in braces")]
    [InlineData("{ \"provider\": \"prometheus\" }", "a.metrics.json: mappings: is missing; add the list of mappings")]
    [InlineData(
        "{ \"mappings\": [] }",
        "a.metrics.json: provider: is missing; add the provider whose metrics the file explains, for instance \"prometheus\""
    )]
    [InlineData(
        "{ \"provider\": \"Prometheus\", \"mappings\": [] }",
        "a.metrics.json: provider: 'Prometheus' is not a provider's name; write lower-case letters, digits and hyphens"
    )]
    [InlineData(
        "{ \"provider\": \"prometheus\", \"mappings\": {} }",
        "a.metrics.json: mappings: is not a list; write the mappings in brackets"
    )]
    [InlineData(
        "{ \"provider\": \"prometheus\", \"mappings\": [5] }",
        "a.metrics.json: mappings[0]: is the number 5; write an object in braces"
    )]
    [InlineData(
        "{ \"provider\": \"prometheus\", \"metrics\": [], \"mappings\": [] }",
        "a.metrics.json: metrics: is not a known property; known are: $schema, provider, account, scope, " + "resources, mappings"
    )]
    public void A_file_of_the_wrong_form_is_refused(string text, string message) => Assert.Equal([message], Faults(text));

    [Fact]
    public void A_file_that_is_not_JSON_gives_its_line_and_column_and_the_others_are_still_checked()
    {
        var errors = Faults("{\n  \"provider\": \"prometheus\",\n  \"mappings\" [\n}", File(With(Energy, "version", "0")));
        Assert.Equal(2, errors.Count);
        Assert.StartsWith("a.metrics.json: line 3, column 14: is not JSON: '[' is invalid", errors[0], StringComparison.Ordinal);
        Assert.EndsWith("; correct the text there", errors[0], StringComparison.Ordinal);
        Assert.Equal("b.metrics.json: mappings[0] 'prometheus/x': version: is 0; versions count from 1", errors[1]);
    }

    [Fact]
    public void An_empty_file_is_not_JSON() =>
        Assert.StartsWith("a.metrics.json: line 1, column 1: is not JSON: ", Assert.Single(Faults("")), StringComparison.Ordinal);

    [Fact]
    public void All_faults_of_all_files_are_listed_at_once()
    {
        var errors = Faults(
            File(With(With(Energy, "unit", "\"joules\""), "kind", "\"level\""), With(Work, "id", "\"prometheus/y\"")),
            File(
                With(With(Power, "evidence", "\"measured\""), "id", "\"prometheus/z\""),
                With(With(Utilisation, "id", "\"prometheus/w\""), "maxSpan", "\"02:00:00\"")
            )
        );
        Assert.Equal(
            [
                $"a.metrics.json: mappings[0] 'prometheus/x': unit: 'joules' is not a known unit; use one of: {Units}",
                "a.metrics.json: mappings[0] 'prometheus/x': kind: 'level' is not one of: gauge, delta, cumulative, info; use one of them",
                "b.metrics.json: mappings[0] 'prometheus/z': evidence: 'measured' is better than power can give; at best it is 'derived'",
                "b.metrics.json: mappings[1] 'prometheus/w': maxSpan: '02:00:00' does not fit; write hours, minutes and seconds "
                    + "above 00:00:00 and at most 01:00:00, such as \"00:05:00\"",
            ],
            errors
        );
    }

    [Fact]
    public void An_id_and_version_stand_once_in_all_files() =>
        Assert.Equal(
            [
                "b.metrics.json: mappings[0] 'prometheus/x': id: is taken in version 1 by a.metrics.json: mappings[0] "
                    + "'prometheus/x'; choose another id or raise the version",
            ],
            Faults(File(Energy), File(With(Energy, "metric", "\"other_total\"")))
        );

    [Fact]
    public void Two_entries_that_claim_the_same_series_on_the_same_day_are_refused()
    {
        var first = With(Energy, "when", """{ "a": ["1", "2"], "b": "3" }""");
        var second = With(With(Energy, "when", """{ "b": ["3"], "a": ["2", "1"] }"""), "id", "\"prometheus/y\"");
        Assert.Equal(
            [
                "b.metrics.json: mappings[0] 'prometheus/y': metric: 'x_joules_total' is explained from 2020-01-01 under the same "
                    + "conditions by a.metrics.json: mappings[0] 'prometheus/x' too; remove one, or tell them apart by 'when' or "
                    + "'effectiveFrom'",
            ],
            Faults(File(first), File(second))
        );
        Assert.Equal(
            2,
            CatalogueReader.Read([("a", File(first)), ("b", File(With(second, "effectiveFrom", "\"2026-01-01\"")))]).Mappings.Count
        );
        Assert.Equal(2, CatalogueReader.Read([("a", File(first)), ("b", File(With(second, "when", """{ "a": "1" }""")))]).Mappings.Count);
    }

    [Fact]
    public void A_faulty_entry_still_claims_its_series() =>
        Assert.Equal(
            [
                "a.metrics.json: mappings[0] 'prometheus/x': version: is 0; versions count from 1",
                "a.metrics.json: mappings[1] 'prometheus/y': metric: 'x_joules_total' is explained from 2020-01-01 under the same "
                    + "conditions by a.metrics.json: mappings[0] 'prometheus/x' too; remove one, or tell them apart by 'when' or "
                    + "'effectiveFrom'",
            ],
            Faults(File(With(Energy, "version", "0"), With(Energy, "id", "\"prometheus/y\"")))
        );

    [Fact]
    public void A_message_is_one_short_line_whatever_the_file_holds()
    {
        var error = Assert.Single(Faults(File(With(Energy, "unit", JsonSerializer.Serialize(new string('x', 500) + "\n")))));
        Assert.StartsWith(
            $"a.metrics.json: mappings[0] 'prometheus/x': unit: '{new string('x', 80)}...' is not",
            error,
            StringComparison.Ordinal
        );
        error = Assert.Single(Faults(File(With(Energy, "unit", "\"a\\nb\""))));
        Assert.DoesNotContain('\n', error);
    }

    [Fact]
    public void The_message_of_the_exception_is_the_list()
    {
        var exception = new CatalogueException(["one", "two"]);
        Assert.Equal("one" + Environment.NewLine + "two", exception.Message);
    }
}
