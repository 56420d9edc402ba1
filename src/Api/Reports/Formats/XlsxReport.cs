using System.Globalization;
using System.IO.Compression;
using System.Xml;
using Metrics.Api.Reports.Kinds;

namespace Metrics.Api.Reports.Formats;

/// <summary>
/// A workbook (ECMA-376): sheet <c>Data</c> with typed cells, sheet <c>About</c> with what the numbers rest on and a chart, and sheets of
/// columns, factors and gaps.
/// </summary>
/// <remarks>Written part by part into the archive, so that no sheet is held, and with one date on every part, so that the same report gives
/// the same bytes; the libraries at hand do one or the other.
/// Text is text by its type and never a formula.</remarks>
public sealed class XlsxReport : IReportFormat
{
    private const string Main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    private const string Relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    private const string Packages = "http://schemas.openxmlformats.org/package/2006/relationships";
    private const string Drawings = "http://schemas.openxmlformats.org/drawingml/2006";
    private const int LongestText = 32_767;

    // Styles of the sheet of styles below, by number.
    private const string Plain = "0",
        Time = "1",
        Head = "2";

    private const string Styles = $"""
        <styleSheet xmlns="{Main}">
          <numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm"/></numFmts>
          <fonts count="2">
            <font><sz val="11"/><name val="Calibri"/></font>
            <font><b/><sz val="11"/><name val="Calibri"/></font>
          </fonts>
          <fills count="2">
            <fill><patternFill patternType="none"/></fill>
            <fill><patternFill patternType="gray125"/></fill>
          </fills>
          <borders count="1"><border/></borders>
          <cellStyleXfs count="1"><xf/></cellStyleXfs>
          <cellXfs count="3"><xf/><xf numFmtId="164" applyNumberFormat="1"/><xf fontId="1" applyFont="1"/></cellXfs>
        </styleSheet>
        """;

    private static readonly DateTimeOffset Epoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <inheritdoc/>
    public string Name => "xlsx";

    /// <inheritdoc/>
    public string ContentType => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

    /// <inheritdoc/>
    public long? MostRows => 1_048_575;

    /// <inheritdoc/>
    public async Task WriteAsync(Report report, Stream output, CancellationToken cancellationToken)
    {
        using var archive = new ZipArchive(output, ZipArchiveMode.Create, leaveOpen: true);
        string[] sheets = ["Data", "About", "Columns", "Factors", "Gaps"];
        Part(archive, "[Content_Types].xml", xml =>
        {
            xml.WriteStartElement("Types", "http://schemas.openxmlformats.org/package/2006/content-types");
            foreach (
                var (extension, type) in new[]
                {
                    ("rels", "application/vnd.openxmlformats-package.relationships+xml"),
                    ("xml", "application/xml"),
                }
            )
                Element(xml, "Default", ("Extension", extension), ("ContentType", type));
            Override("/xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml");
            Override("/xl/styles.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml");
            for (var i = 1; i <= sheets.Length; i++)
                Override($"/xl/worksheets/sheet{i}.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml");
            if (report.Chart is not null)
            {
                Override("/xl/drawings/drawing1.xml", "application/vnd.openxmlformats-officedocument.drawing+xml");
                Override("/xl/charts/chart1.xml", "application/vnd.openxmlformats-officedocument.drawingml.chart+xml");
            }
            void Override(string name, string type) => Element(xml, "Override", ("PartName", name), ("ContentType", type));
        });
        Relate(archive, "_rels/.rels", [("officeDocument", "xl/workbook.xml")]);
        Relate(
            archive,
            "xl/_rels/workbook.xml.rels",
            [.. sheets.Select((_, i) => ("worksheet", $"worksheets/sheet{i + 1}.xml")), ("styles", "styles.xml")]
        );
        Part(archive, "xl/workbook.xml", xml =>
        {
            xml.WriteStartElement("workbook", Main);
            xml.WriteStartElement("sheets");
            for (var i = 0; i < sheets.Length; i++)
            {
                xml.WriteStartElement("sheet");
                xml.WriteAttributeString("name", sheets[i]);
                xml.WriteAttributeString("sheetId", (i + 1).ToString(CultureInfo.InvariantCulture));
                xml.WriteAttributeString("r", "id", Relations, $"rId{i + 1}");
                xml.WriteEndElement();
            }
            xml.WriteEndElement();
        });
        Raw(archive, "xl/styles.xml", Styles);

        var rows = 1L;
        using (var sheet = Open(archive, "xl/worksheets/sheet1.xml"))
        {
            sheet.WriteStartElement("worksheet", Main);
            // The names stay in sight.
            sheet.WriteRaw(
                "<sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" "
                    + "state=\"frozen\"/></sheetView></sheetViews><cols>"
            );
            for (var i = 1; i <= report.Columns.Count; i++)
                sheet.WriteRaw(
                    $"<col min=\"{i}\" max=\"{i}\" "
                        + $"width=\"{(report.Columns[i - 1].Type is ReportType.Time or ReportType.Text ? 20 : 14)}\" customWidth=\"1\"/>"
                );
            sheet.WriteRaw("</cols>");
            sheet.WriteStartElement("sheetData");
            Row(sheet, 1, [.. report.Columns.Select(column => (object?)column.Name)], Head);
            string[] letters = [.. Enumerable.Range(1, report.Columns.Count).Select(Letters)];
            await foreach (var row in report.Rows.WithCancellation(cancellationToken))
            {
                var number = (++rows).ToString(CultureInfo.InvariantCulture);
                sheet.WriteStartElement("row");
                sheet.WriteAttributeString("r", number);
                for (var i = 0; i < row.Length; i++)
                    Cell(
                        sheet,
                        letters[i] + number,
                        report.Columns[i].Type switch
                        {
                            _ when !row[i].IsKnown => null,
                            ReportType.Number => row[i].Number,
                            ReportType.Time => row[i].Time,
                            ReportType.Flag => row[i].Flag,
                            _ => row[i].Text,
                        },
                        Plain
                    );
                sheet.WriteEndElement();
            }
            sheet.WriteEndElement();
            Element(sheet, "autoFilter", ("ref", $"A1:{Letters(report.Columns.Count)}{rows.ToString(CultureInfo.InvariantCulture)}"));
            sheet.WriteEndElement();
        }

        var about = report.Facts().Select(fact => (object?[])[fact.Name, fact.Value]).ToList();
        about.Add(["Rows", (double)(rows - 1)]);
        foreach (var note in report.Notes)
            about.Add(["Note", note]);
        var first = about.Count + 3;
        if (report.Chart is { } chart)
        {
            about.Add([]);
            about.Add([chart.Title, chart.Unit]);
            about.AddRange(chart.Bars.Select(bar => (object?[])[bar.Name, bar.Value]));
        }
        Sheet(archive, 2, about, report.Chart is not null, 30);
        Sheet(
            archive,
            3,
            [
                ["Name", "Type", "Unit", "Unit code", "Datapoint", "Description"],
                .. report.Columns.Select(column =>
                    (object?[])
                        [
                            column.Name,
                            column.Type.ToString().ToLowerInvariant(),
                            column.Unit,
                            column.UnitCode,
                            column.Datapoint,
                            column.Description,
                        ]
                ),
            ],
            false,
            20
        );
        Sheet(
            archive,
            4,
            [
                ["Name", "Value", "Unit", "Method", "Source", "Vintage", "Licence", "Version"],
                .. report.Factors.Select(factor =>
                    (object?[])
                        [
                            factor.Name,
                            factor.Value,
                            factor.Unit,
                            factor.Method,
                            factor.Source,
                            factor.Vintage,
                            factor.Licence,
                            factor.Version,
                        ]
                ),
            ],
            false,
            24
        );
        Sheet(
            archive,
            5,
            [
                ["Workload", "Place", "From", "To", "Coverage"],
                .. report.Gaps.Select(gap => (object?[])[gap.Workload, gap.Place, gap.From, gap.To, gap.Coverage]),
            ],
            false,
            20
        );
        if (report.Chart is not { } drawn)
            return;
        Relate(archive, "xl/worksheets/_rels/sheet2.xml.rels", [("drawing", "../drawings/drawing1.xml")]);
        Relate(archive, "xl/drawings/_rels/drawing1.xml.rels", [("chart", "../charts/chart1.xml")]);
        Raw(archive, "xl/drawings/drawing1.xml", Drawing(24 + drawn.Bars.Count));
        Part(archive, "xl/charts/chart1.xml", xml => Chart(xml, drawn, first));
    }

    /// <summary>Where the chart stands on the sheet, beside the names and values.</summary>
    /// <param name="lastRow">The row at which it ends.</param>
    private static string Drawing(int lastRow) =>
        $"""
            <xdr:wsDr xmlns:xdr="{Drawings}/spreadsheetDrawing" xmlns:a="{Drawings}/main">
              <xdr:twoCellAnchor>
                <xdr:from><xdr:col>3</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>1</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from>
                <xdr:to><xdr:col>13</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>{lastRow}</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:to>
                <xdr:graphicFrame macro="">
                  <xdr:nvGraphicFramePr><xdr:cNvPr id="2" name="Chart"/><xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr>
                  <xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm>
                  <a:graphic>
                    <a:graphicData uri="{Drawings}/chart">
                      <c:chart xmlns:c="{Drawings}/chart" xmlns:r="{Relations}" r:id="rId1"/>
                    </a:graphicData>
                  </a:graphic>
                </xdr:graphicFrame>
                <xdr:clientData/>
              </xdr:twoCellAnchor>
            </xdr:wsDr>
            """;

    private static void Chart(XmlWriter xml, ReportChart chart, int first)
    {
        const string c = Drawings + "/chart",
            a = Drawings + "/main";
        var last = first + chart.Bars.Count - 1;
        xml.WriteStartElement("c", "chartSpace", c);
        xml.WriteStartElement("chart", c);
        xml.WriteStartElement("title", c);
        xml.WriteStartElement("tx", c);
        xml.WriteStartElement("rich", c);
        xml.WriteElementString("a", "bodyPr", a, "");
        xml.WriteStartElement("p", a);
        xml.WriteStartElement("r", a);
        xml.WriteElementString("t", a, $"{chart.Title} ({chart.Unit})");
        for (var i = 0; i < 5; i++)
            xml.WriteEndElement();
        Value("autoTitleDeleted", "0");
        xml.WriteStartElement("plotArea", c);
        xml.WriteStartElement("barChart", c);
        Value("barDir", "bar");
        Value("grouping", "clustered");
        xml.WriteStartElement("ser", c);
        Value("idx", "0");
        Value("order", "0");
        xml.WriteStartElement("cat", c);
        xml.WriteStartElement("strRef", c);
        xml.WriteElementString("f", c, $"About!$A${first}:$A${last}");
        xml.WriteEndElement();
        xml.WriteEndElement();
        xml.WriteStartElement("val", c);
        xml.WriteStartElement("numRef", c);
        xml.WriteElementString("f", c, $"About!$B${first}:$B${last}");
        for (var i = 0; i < 3; i++)
            xml.WriteEndElement();
        Value("axId", "1");
        Value("axId", "2");
        xml.WriteEndElement();
        foreach (
            var (axis, id, other, side, orientation) in new[] { ("catAx", "1", "2", "l", "maxMin"), ("valAx", "2", "1", "b", "minMax") }
        )
        {
            xml.WriteStartElement(axis, c);
            Value("axId", id);
            xml.WriteStartElement("scaling", c);
            Value("orientation", orientation);
            xml.WriteEndElement();
            Value("delete", "0");
            Value("axPos", side);
            Value("crossAx", other);
            xml.WriteEndElement();
        }
        xml.WriteEndElement();
        Value("plotVisOnly", "1");

        void Value(string name, string value)
        {
            xml.WriteStartElement(name, c);
            xml.WriteAttributeString("val", value);
            xml.WriteEndElement();
        }
    }

    private static void Sheet(ZipArchive archive, int number, List<object?[]> rows, bool drawing, int width) =>
        Part(archive, $"xl/worksheets/sheet{number}.xml", xml =>
        {
            xml.WriteStartElement("worksheet", Main);
            xml.WriteRaw($"<cols><col min=\"1\" max=\"2\" width=\"{width}\" customWidth=\"1\"/></cols>");
            xml.WriteStartElement("sheetData");
            for (var i = 0; i < rows.Count; i++)
                Row(xml, i + 1, rows[i], i == 0 && number > 2 ? Head : Plain);
            xml.WriteEndElement();
            if (!drawing)
                return;
            xml.WriteStartElement("drawing");
            xml.WriteAttributeString("r", "id", Relations, "rId1");
        });

    private static void Row(XmlWriter xml, int number, object?[] values, string style)
    {
        var text = number.ToString(CultureInfo.InvariantCulture);
        xml.WriteStartElement("row");
        xml.WriteAttributeString("r", text);
        for (var i = 0; i < values.Length; i++)
            Cell(xml, Letters(i + 1) + text, values[i], style);
        xml.WriteEndElement();
    }

    // Where it stands may be left out by the standard; not all readers know that.
    private static void Cell(XmlWriter xml, string at, object? value, string style)
    {
        if (value is null)
            return;
        xml.WriteStartElement("c");
        xml.WriteAttributeString("r", at);
        switch (value)
        {
            case double number:
                if (style != Plain)
                    xml.WriteAttributeString("s", style);
                xml.WriteElementString("v", ReportText.Of(number));
                break;
            case DateTime time:
                xml.WriteAttributeString("s", Time);
                xml.WriteElementString("v", ReportText.Of(time.ToOADate()));
                break;
            case bool flag:
                xml.WriteAttributeString("t", "b");
                xml.WriteElementString("v", flag ? "1" : "0");
                break;
            case string text:
                if (style != Plain)
                    xml.WriteAttributeString("s", style);
                xml.WriteAttributeString("t", "inlineStr");
                xml.WriteStartElement("is");
                xml.WriteStartElement("t");
                xml.WriteAttributeString("xml", "space", null, "preserve");
                xml.WriteString(Clean(text));
                xml.WriteEndElement();
                xml.WriteEndElement();
                break;
        }
        xml.WriteEndElement();
    }

    /// <summary>What XML and a cell can hold.</summary>
    private static string Clean(string text)
    {
        if (text.Length > LongestText)
            text = text[..LongestText];
        return
            text.AsSpan().IndexOfAnyInRange('\0', '\u001F') < 0 && !text.Any(char.IsSurrogate) && text.IndexOfAny(['\uFFFE', '\uFFFF']) < 0
            ? text
            : string.Concat(
                text.EnumerateRunes()
                    .Select(rune => rune.Value is < 0x20 and not (0x9 or 0xA or 0xD) or 0xFFFE or 0xFFFF ? "\uFFFD" : rune.ToString())
            );
    }

    private static string Letters(int column) =>
        column <= 26 ? $"{(char)('A' + column - 1)}" : Letters((column - 1) / 26) + Letters((column - 1) % 26 + 1);

    private static void Relate(ZipArchive archive, string name, IReadOnlyList<(string Type, string Target)> targets) =>
        Part(archive, name, xml =>
        {
            xml.WriteStartElement("Relationships", Packages);
            for (var i = 0; i < targets.Count; i++)
                Element(
                    xml,
                    "Relationship",
                    ("Id", $"rId{i + 1}"),
                    ("Type", $"{Relations}/{targets[i].Type}"),
                    ("Target", targets[i].Target)
                );
        });

    private static void Element(XmlWriter xml, string name, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        xml.WriteStartElement(name);
        foreach (var (attribute, value) in attributes)
            xml.WriteAttributeString(attribute, value);
        xml.WriteEndElement();
    }

    private static void Part(ZipArchive archive, string name, Action<XmlWriter> write)
    {
        using var xml = Open(archive, name);
        write(xml);
    }

    /// <summary>A part as it is written in the source, without what makes it readable there.</summary>
    private static void Raw(ZipArchive archive, string name, string text)
    {
        using var xml = Open(archive, name);
        xml.WriteRaw(string.Concat(text.Split('\n').Select(line => line.Trim())));
    }

    private static XmlWriter Open(ZipArchive archive, string name)
    {
        var entry = archive.CreateEntry(name, CompressionLevel.Fastest);
        entry.LastWriteTime = Epoch;
        var xml = XmlWriter.Create(
            entry.Open(),
            new XmlWriterSettings
            {
                CloseOutput = true,
                Encoding = new System.Text.UTF8Encoding(false),
                CheckCharacters = false,
            }
        );
        xml.WriteProcessingInstruction("xml", "version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"");
        return xml;
    }
}
