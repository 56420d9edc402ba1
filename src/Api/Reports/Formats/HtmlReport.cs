using System.Globalization;
using System.Text.Encodings.Web;
using Metrics.Api.Reports.Kinds;

namespace Metrics.Api.Reports.Formats;

/// <summary>One page of HTML that needs nothing else: no script, no font, no address; the chart is SVG. It prints on A4.</summary>
/// <remarks>A page holds the first <see cref="MostRows"/> rows and says so; the totals are of all of them.</remarks>
public sealed class HtmlReport : IReportFormat
{
    /// <summary>Rows on a page; a browser has trouble with many more.</summary>
    internal const int MostRows = 2_000;

    // A line that ends with a backslash goes on in the next one.
    private static readonly string Style = """
        :root{color-scheme:light}\
        body{font:14px/1.45 system-ui,sans-serif;color:#1b1f24;margin:2rem auto;max-width:1200px;padding:0 1rem}\
        h1{font-size:1.7rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:1.8rem 0 .5rem}
        .period{color:#57606a;margin:0 0 1rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem}\
        dt{color:#57606a}dd{margin:0;overflow-wrap:anywhere}
        .scroll{overflow-x:auto}table{border-collapse:collapse;font-size:12px}\
        th,td{padding:.25rem .5rem;border-bottom:1px solid #d8dee4;text-align:left;vertical-align:top}\
        th{border-bottom:2px solid #1b1f24;white-space:nowrap}
        td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.u{color:#8c959f}\
        .unit{display:block;font-weight:400;color:#57606a}\
        .warn{border-left:4px solid #bf8700;padding:.4rem .8rem;background:#fff8e5}
        svg text{font:12px system-ui,sans-serif}@media print{body{margin:0;max-width:none}table{font-size:8px}\
        thead{display:table-header-group}tr{break-inside:avoid}@page{size:A4 landscape;margin:12mm}}
        """.Replace("\\\n", "", StringComparison.Ordinal);

    private static readonly HtmlEncoder Html = HtmlEncoder.Default;

    /// <inheritdoc/>
    public string Name => "html";

    /// <inheritdoc/>
    public string ContentType => "text/html; charset=utf-8";

    /// <inheritdoc/>
    public async Task WriteAsync(Report report, Stream output, CancellationToken cancellationToken)
    {
        await using var page = new StreamWriter(output, leaveOpen: true) { NewLine = "\n" };
        await page.WriteLineAsync(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                + $"content=\"width=device-width\"><title>{Text(report.Title)}</title><style>{Style}</style></head><body>"
        );
        await page.WriteLineAsync(
            $"<h1>{Text(report.Title)}</h1><p class=\"period\">{Text(ReportText.Of(report.From))} to {Text(ReportText.Of(report.To))}</p>"
        );
        if (report.GapCount > 0)
            await page.WriteLineAsync(
                $"<p class=\"warn\">The period has {report.GapCount.ToString(CultureInfo.InvariantCulture)} gaps: times for which not "
                    + "all is known. They are listed below; nothing is interpolated.</p>"
            );
        await page.WriteLineAsync("<dl>");
        foreach (var (name, value) in report.Facts())
            await page.WriteLineAsync($"<dt>{Text(name)}</dt><dd>{Text(value)}</dd>");
        await page.WriteLineAsync("</dl>");
        if (report.Chart is { } chart)
            await page.WriteLineAsync(Draw(chart));
        await page.WriteLineAsync("<h2>Notes</h2><ul>");
        foreach (var note in report.Notes)
            await page.WriteLineAsync($"<li>{Text(note)}</li>");
        await page.WriteLineAsync("</ul><h2>Rows</h2><div class=\"scroll\"><table><thead><tr>");
        foreach (var column in report.Columns)
        {
            var unit = column.Unit is null or "1" ? "" : $"<span class=\"unit\">{Text(column.Unit)}</span>";
            await page.WriteAsync($"<th scope=\"col\" title=\"{Text(column.Description)}\">{Text(column.Name)}{unit}</th>");
        }
        await page.WriteLineAsync("</tr></thead><tbody>");
        var rows = 0L;
        await foreach (var row in report.Rows.WithCancellation(cancellationToken))
        {
            if (++rows > MostRows)
                continue;
            await page.WriteAsync("<tr>");
            for (var i = 0; i < row.Length; i++)
            {
                var type = report.Columns[i].Type;
                await page.WriteAsync(
                    !row[i].IsKnown ? "<td class=\"u\">&#8211;</td>"
                    : type == ReportType.Number ? $"<td class=\"n\">{Shown(row[i].Number)}</td>"
                    : $"<td>{Text(ReportText.Of(row[i], type))}</td>"
                );
            }
            await page.WriteLineAsync("</tr>");
        }
        await page.WriteLineAsync("</tbody></table></div>");
        if (rows > MostRows)
            await page.WriteLineAsync($"<p class=\"warn\">{FirstRows(rows)}</p>");
        if (report.Gaps.Count > 0)
        {
            await page.WriteLineAsync(
                "<h2>Gaps</h2><table><thead><tr><th scope=\"col\">Workload</th><th scope=\"col\">Place</th><th "
                    + "scope=\"col\">From</th><th scope=\"col\">To</th><th scope=\"col\">Coverage</th></tr></thead><tbody>"
            );
            foreach (var gap in report.Gaps)
                await page.WriteLineAsync(
                    $"<tr><td>{Text(gap.Workload)}</td><td>{Text(gap.Place)}</td>"
                        + $"<td>{ReportText.Of(gap.From)}</td><td>{ReportText.Of(gap.To)}</td>"
                        + $"<td class=\"n\">{Shown(gap.Coverage)}</td></tr>"
                );
            await page.WriteLineAsync("</tbody></table>");
        }
        if (report.Factors.Count > 0)
        {
            await page.WriteLineAsync(
                "<h2>Factors</h2><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Value</th><th "
                    + "scope=\"col\">Unit</th><th scope=\"col\">Method</th><th scope=\"col\">Source</th><th scope=\"col\">Vintage</th><th "
                    + "scope=\"col\">Licence</th></tr></thead><tbody>"
            );
            foreach (var factor in report.Factors)
                await page.WriteLineAsync(
                    $"<tr><td>{Text(factor.Name)}</td><td class=\"n\">{(factor.Value is { } value ? Shown(value) : "")}</td>"
                        + $"<td>{Text(factor.Unit)}</td><td>{Text(factor.Method)}</td><td>{Text(factor.Source)}</td>"
                        + $"<td>{Text(factor.Vintage)}</td><td>{Text(factor.Licence)}</td></tr>"
                );
            await page.WriteLineAsync("</tbody></table></div>");
        }
        await page.WriteLineAsync("</body></html>");
    }

    /// <summary>Six digits: what a person reads. The other formats have all of them.</summary>
    internal static string Shown(double value) => value.ToString("G6", CultureInfo.InvariantCulture);

    /// <summary>What a page says that holds a part of the rows.</summary>
    internal static string FirstRows(long rows) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"These are the first {MostRows:#,0} of {rows:#,0} rows; CSV, Parquet and JSON hold all of them."
        );

    private static string Text(string? text) => text is null ? "" : Html.Encode(text);

    private static string Draw(ReportChart chart)
    {
        const int left = 220,
            width = 620,
            bar = 18,
            step = 26;
        var most = chart.Bars.Max(one => one.Value);
        var height = chart.Bars.Count * step + 10;
        var words = string.Join(", ", chart.Bars.Select(one => $"{one.Name} {Shown(one.Value)} {chart.Unit}"));
        var svg = new System.Text.StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<h2>{Text(chart.Title)}</h2><svg role=\"img\" viewBox=\"0 0 {left + width + 120} {height}\" width=\"100%\" "
                + $"aria-labelledby=\"chart-title chart-text\"><title id=\"chart-title\">{Text(chart.Title)}</title>"
                + $"<desc id=\"chart-text\">{Text(words)}</desc>"
        );
        for (var i = 0; i < chart.Bars.Count; i++)
        {
            var (name, value) = chart.Bars[i];
            var label = name.Length > 32 ? name[..31] + "…" : name;
            var length = most > 0 ? value / most * width : 0;
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<text x=\"{left - 8}\" y=\"{i * step + 18}\" text-anchor=\"end\">{Text(label)}</text>"
                    + $"<rect x=\"{left}\" y=\"{i * step + 4}\" width=\"{length:0.##}\" height=\"{bar}\" fill=\"#1f6feb\"/>"
                    + $"<text x=\"{left + length + 6:0.##}\" y=\"{i * step + 18}\">{Shown(value)} {Text(chart.Unit)}</text>"
            );
        }
        return svg.Append("</svg>").ToString();
    }
}
