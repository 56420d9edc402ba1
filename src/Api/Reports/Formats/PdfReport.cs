using System.Globalization;
using System.Text;
using Metrics.Api.Reports.Kinds;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Fonts.Standard14Fonts;
using UglyToad.PdfPig.Writer;

namespace Metrics.Api.Reports.Formats;

/// <summary>PDF on A4 with the same content as the page of HTML: what the numbers rest on, the chart, notes, rows, gaps and
/// factors.</summary>
/// <remarks>It uses the fonts that every reader has, so that none is shipped; letters that they have not are written by number
/// (<c>\u65E5</c>). The pages are held until the last is written, and are of at most <see cref="HtmlReport.MostRows"/> rows.</remarks>
public sealed class PdfReport : IReportFormat
{
    private const double Width = 595,
        Height = 842,
        Margin = 42,
        Line = 1.35;

    /// <inheritdoc/>
    public string Name => "pdf";

    /// <inheritdoc/>
    public string ContentType => "application/pdf";

    /// <inheritdoc/>
    public async Task WriteAsync(Report report, Stream output, CancellationToken cancellationToken)
    {
        using var document = new PdfDocumentBuilder();
        document.DocumentInformation.Title = Text(report.Title);
        document.DocumentInformation.Producer = Report.Software;
        // Of the data, and not of the moment: the same report is the same file.
        document.DocumentInformation.CreationDate = document.DocumentInformation.ModifiedDate =
            $"D:{report.DataAsOf.ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture)}Z";
        var pages = new Pages(document);
        pages.Write(report.Title, 20, bold: true);
        pages.Write($"{ReportText.Of(report.From)} to {ReportText.Of(report.To)}", 10);
        if (report.GapCount > 0)
            pages.Write(
                $"The period has {report.GapCount.ToString(CultureInfo.InvariantCulture)} gaps: times for which not all is known. "
                    + "Nothing is interpolated.",
                10,
                bold: true
            );
        pages.Space(8);
        foreach (var (name, value) in report.Facts())
            pages.Write($"{name}: {value}", 9);
        if (report.Chart is { } chart)
            pages.Draw(chart);
        pages.Head("Notes");
        foreach (var note in report.Notes)
            pages.Write($"- {note}", 9);
        pages.Head("Rows");
        var rows = 0L;
        await foreach (var row in report.Rows.WithCancellation(cancellationToken))
        {
            if (++rows > HtmlReport.MostRows)
                continue;
            var line = new StringBuilder();
            for (var i = 0; i < row.Length; i++)
            {
                if (!row[i].IsKnown)
                    continue;
                var column = report.Columns[i];
                if (line.Length > 0)
                    line.Append(" | ");
                line.Append(column.Name)
                    .Append(' ')
                    .Append(column.Type == ReportType.Number ? HtmlReport.Shown(row[i].Number) : ReportText.Of(row[i], column.Type));
            }
            pages.Write($"{rows.ToString(CultureInfo.InvariantCulture)}. {line}", 7);
            pages.Space(2);
        }
        if (rows > HtmlReport.MostRows)
            pages.Write(HtmlReport.FirstRows(rows), 9, bold: true);
        if (report.Gaps.Count > 0)
            pages.Head("Gaps");
        foreach (var gap in report.Gaps)
            pages.Write(
                $"{gap.Workload} at {gap.Place}: {ReportText.Of(gap.From)} to {ReportText.Of(gap.To)}, coverage "
                    + $"{HtmlReport.Shown(gap.Coverage)}",
                8
            );
        if (report.Factors.Count > 0)
            pages.Head("Factors");
        foreach (var factor in report.Factors)
            pages.Write(
                $"{factor.Name}: {(factor.Value is { } value ? ReportText.Of(value) : "-")} {factor.Unit} | {factor.Method} | "
                    + $"{factor.Source} | {factor.Vintage} | {factor.Licence}",
                8
            );
        pages.Head("Columns");
        foreach (var column in report.Columns)
            pages.Write(
                $"{column.Name}{(column.Unit is null or "1" ? "" : $" ({column.Unit})")}: {column.Description}"
                    + (column.Datapoint is null ? "" : $" [{column.Datapoint}]"),
                8
            );
        var file = document.Build();
        Identify(file);
        await output.WriteAsync(file, cancellationToken);
    }

    /// <summary>Puts ids of the content in the place of the random ones that the library gives: <c>/ID [ &lt;32 digits&gt;&lt;32 digits&gt;
    /// ]</c> in the trailer, at its end.</summary>
    private static void Identify(byte[] file)
    {
        const int digits = 32;
        var at = file.AsSpan().LastIndexOf("/ID [ <"u8);
        if (at < 0 || at + 7 + 2 * digits + 2 > file.Length)
            throw new InvalidOperationException("The library wrote no ids where they were.");
        Span<byte> first = file.AsSpan(at + 7, digits),
            second = file.AsSpan(at + 7 + digits + 2, digits);
        first.Clear();
        second.Clear();
        Encoding.ASCII.GetBytes(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(file)).AsSpan(0, digits), first);
        first.CopyTo(second);
    }

    /// <summary>Text in letters that the fonts have: those of Windows-1252 that PdfPig maps, which is ASCII and Latin-1.</summary>
    private static string Text(string text)
    {
        var shown = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (
                rune.Value
                is >= 0x20
                    and < 0x7F
                    or >= 0xC0
                    and <= 0xFF
                    and not (0xD0 or 0xD7 or 0xDD or 0xDE or 0xF0 or 0xF7 or 0xFD or 0xFE)
            )
                shown.Append(rune);
            else if (rune.Value is '\t' or '\n' or '\r')
                shown.Append(' ');
            else
                shown.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:X4}");
        }
        return shown.ToString();
    }

    /// <summary>Pages that are filled from the top.</summary>
    private sealed class Pages
    {
        private readonly PdfDocumentBuilder document;
        private readonly PdfDocumentBuilder.AddedFont plain,
            strong;
        private PdfPageBuilder page;
        private double y;

        public Pages(PdfDocumentBuilder document)
        {
            this.document = document;
            plain = document.AddStandard14Font(Standard14Font.Helvetica);
            strong = document.AddStandard14Font(Standard14Font.HelveticaBold);
            page = document.AddPage(PageSize.A4);
            y = Height - Margin;
        }

        public void Head(string text)
        {
            Space(12);
            Write(text, 12, bold: true);
        }

        public void Space(double height) => y -= height;

        /// <summary>Writes a paragraph, broken at blanks, or within a word that is wider than the page.</summary>
        public void Write(string text, double size, bool bold = false)
        {
            var font = bold ? strong : plain;
            var rest = Text(text);
            while (rest.Length > 0)
            {
                var fits = Fits(rest, size, font);
                if (fits < rest.Length && rest.LastIndexOf(' ', fits) is > 0 and var blank)
                    fits = blank;
                Room(size * Line);
                y -= size * Line;
                if (rest[..fits].Trim() is { Length: > 0 } line)
                    page.AddText(line, size, new PdfPoint(Margin, y), font);
                rest = rest[fits..].TrimStart();
            }
        }

        public void Draw(ReportChart chart)
        {
            const double left = 170,
                step = 15;
            Head($"{chart.Title} ({chart.Unit})");
            var most = chart.Bars.Max(bar => bar.Value);
            foreach (var (name, value) in chart.Bars)
            {
                Room(step);
                y -= step;
                var shown = Text(name);
                page.AddText(shown[..Math.Min(shown.Length, 28)], 8, new PdfPoint(Margin, y + 3), plain);
                page.SetTextAndFillColor(31, 111, 235);
                if (most > 0 && value > 0)
                    page.DrawRectangle(new PdfPoint(Margin + left, y), value / most * (Width - 2 * Margin - left - 60), 10, 0, fill: true);
                page.ResetColor();
                page.AddText(
                    HtmlReport.Shown(value),
                    8,
                    new PdfPoint(Margin + left + (most > 0 ? value / most : 0) * (Width - 2 * Margin - left - 60) + 4, y + 3),
                    plain
                );
            }
        }

        private void Room(double height)
        {
            if (y - height >= Margin)
                return;
            page = document.AddPage(PageSize.A4);
            y = Height - Margin;
        }

        /// <summary>How many letters fit on a line.</summary>
        private int Fits(string text, double size, PdfDocumentBuilder.AddedFont font)
        {
            // No letter of these fonts is narrower than a fifth of its size, so that no more need to be measured.
            var some = text[..Math.Min(text.Length, (int)((Width - 2 * Margin) / size / 0.2))];
            var letters = page.MeasureText(some, size, new PdfPoint(0, 0), font);
            var right = Width - 2 * Margin;
            for (var i = 0; i < letters.Count; i++)
                if (letters[i].EndBaseLine.X > right)
                    return Math.Max(1, i);
            return some.Length;
        }
    }
}
