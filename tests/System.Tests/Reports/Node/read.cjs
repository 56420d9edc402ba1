// Reads the report files named in { csv, xlsx, json, parquet, schema } and tells what readers of others see in them.
const fs = require("node:fs");

let text = "";
process.stdin.on("data", chunk => (text += chunk));
process.stdin.on("end", async () => {
  const files = JSON.parse(text);
  const seen = {};
  if (files.csv) {
    const parsed = require("papaparse").parse(fs.readFileSync(files.csv, "utf8"), { header: true, skipEmptyLines: true, newline: "\r\n" });
    seen.csv = { fields: parsed.meta.fields, rows: parsed.data, errors: parsed.errors };
  }
  if (files.xlsx) {
    const book = require("xlsx").readFile(files.xlsx, { cellDates: true, cellFormula: true });
    const data = book.Sheets.Data;
    seen.xlsx = {
      sheets: book.SheetNames,
      rows: require("xlsx").utils.sheet_to_json(data, { defval: null }),
      formulas: Object.keys(data).filter(cell => data[cell] && data[cell].f),
      types: Object.fromEntries(Object.keys(data).filter(cell => /^[A-Z]+2$/.test(cell)).map(cell => [cell, data[cell].t])),
      about: require("xlsx").utils.sheet_to_json(book.Sheets.About, { header: 1 }),
    };
  }
  if (files.parquet) {
    const { parquetReadObjects, parquetMetadataAsync, asyncBufferFromFile } = await import("hyparquet");
    const file = await asyncBufferFromFile(files.parquet);
    const metadata = await parquetMetadataAsync(file);
    // Of columns this reader hands on names and values as the bytes that stand in the file.
    seen.parquet = {
      rows: await parquetReadObjects({ file }),
      columns: metadata.row_groups[0].columns.map(column => ({ name: column.meta_data.path_in_schema.join("."), type: column.meta_data.type, metadata: Object.fromEntries((column.meta_data.key_value_metadata || []).map(one => [one.field_1, one.field_2].map(bytes => Buffer.from(bytes).toString()))) })),
      keys: Object.fromEntries((metadata.key_value_metadata || []).map(one => [one.key, one.value])),
      groups: metadata.row_groups.length,
      count: Number(metadata.num_rows),
    };
  }
  if (files.json) {
    const report = JSON.parse(fs.readFileSync(files.json, "utf8"));
    const Ajv = require("ajv/dist/2020");
    const check = new Ajv({ strict: true, allowUnionTypes: true }).compile(files.schema);
    seen.json = { valid: check(report), errors: check.errors, report };
    const broken = structuredClone(report);
    broken.rows.push({ PeriodStart: 7 });
    seen.json.brokenIsValid = check(broken);
  }
  console.log(JSON.stringify(seen, (_, value) => (typeof value === "bigint" ? Number(value) : value)));
});
