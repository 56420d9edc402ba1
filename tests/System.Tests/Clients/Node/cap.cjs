// The service as a remote service of SAP's CAP: its model by cds import, its rows by CAP's queries.
const { execFileSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const cds = require('@sap/cds');

const service = readFileSync(0, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'metrics-cap-'));

const importModel = async () => {
  const [edmx, csn] = [join(folder, 'Metrics.xml'), join(folder, 'Metrics.csn')];
  writeFileSync(edmx, await (await fetch(`${service}/$metadata`)).text());
  execFileSync(process.execPath, [require.resolve('@sap/cds-dk/bin/cds.js'), 'import', edmx, '--as', 'csn', '--out', csn, '--no-copy', '--no-save'], { stdio: 'pipe' });
  return cds.linked(await cds.load(csn));
};
const withCount = query => {
  query.SELECT.count = true;
  return query;
};
const refusal = reading => reading.then(() => null, error => ({ message: error.message, status: error.reason?.status, told: error.reason?.response?.body?.error?.message }));

(async () => {
  cds.model = await importModel();
  const entities = cds.model.entities('Metrics');
  const { HourlyIntensities, Deployments, Workloads, Runs } = entities;
  const metrics = await cds.connect.to('Metrics', { kind: 'odata', model: 'Metrics', credentials: { url: service, authentication: 'NoAuthentication' } });
  const { SELECT } = cds.ql;
  console.log(JSON.stringify({
    entities: Object.keys(entities),
    types: Object.fromEntries(['DeploymentId', 'FunctionalUnit', 'PeriodStart', 'Date', 'DateKey', 'Units'].map(name => [name, HourlyIntensities.elements[name].type])),
    keys: Object.keys(HourlyIntensities.keys),
    page: await metrics.run(SELECT.from(HourlyIntensities).columns('DeploymentId', 'FunctionalUnit', 'PeriodStart', 'Units')
      .where({ Evidence: { in: ['measured', 'estimated'] }, Region: 'dc-1', PeriodStart: { '>=': '2026-02-01T00:00:00Z', and: { PeriodStart: { '<': '2026-02-02T00:00:00Z' } } } })
      .orderBy('PeriodStart desc', 'DeploymentId', 'FunctionalUnit').limit(7, 3)),
    expanded: await metrics.run(SELECT.from(HourlyIntensities).columns(hour => {
      hour.DeploymentId, hour.PeriodStart, hour.Deployment(deployment => { deployment.Workload, deployment.Country }), hour.Calendar(day => { day.WeekdayName });
    }).where({ DeploymentId: 5, FunctionalUnit: 'request' }).orderBy('PeriodStart').limit(1)),
    byNavigation: await metrics.run(SELECT.from(HourlyIntensities).columns('Units').where("Deployment.Country = 'DE' and FunctionalUnit = 'request'").orderBy('PeriodStart', 'DeploymentId').limit(2)),
    nulls: await metrics.run(SELECT.from(Runs).columns('Id').where("EndedAt = null and ErrorCode != null and not (Kind = 'read')").orderBy('Id desc')),
    patterns: await metrics.run(SELECT.from(Workloads).columns('Name').where("startswith(Name, 'chat') or contains(Name, '日本') or contains(Name, '''') or startswith(tolower(Name), 'a%')").orderBy('Name')),
    between: await metrics.run(SELECT.from(Runs).columns('Id').where('Received between 5000 and 8000').orderBy('Id')),
    one: await metrics.run(SELECT.one.from(Deployments, 5)),
    oneByText: await metrics.run(SELECT.one.from(Workloads, { Name: 'O\'Neil\'s "batch"' })),
    oneByThree: await metrics.run(SELECT.one.from(HourlyIntensities, { DeploymentId: 5, FunctionalUnit: 'request', PeriodStart: '2026-02-01T00:00:00Z' }).columns('Units')),
    // It reads 64-bit numbers as JavaScript's, unless it asks for texts.
    large: await metrics.send({ query: SELECT.one.from(Deployments).columns('Id', 'Workload').where({ Id: '9007199254740993' }), headers: { accept: 'application/json;IEEE754Compatible=true' } }),
    counted: (rows => ({ rows, count: rows.$count }))(await metrics.run(withCount(SELECT.from(Runs).columns('Id').where({ State: 'failed' }).orderBy('Id').limit(2)))),
    count: await metrics.send('GET', "/Runs/$count?$filter=State eq 'failed'"),
    searched: await metrics.run(SELECT.from(Workloads).columns('Name').search('padded')),
    groups: await metrics.send('GET', '/HourlyIntensities?$apply=groupby((Evidence),aggregate($count as Hours))&$orderby=Evidence'),
    compared: (await metrics.send('Compare', { unit: 'request' })).length,
    missing: await refusal(metrics.run(SELECT.one.from(Deployments, 6))),
    refused: await refusal(metrics.run(SELECT.from(Runs).where({ Sauce: 1 }))),
  }));
})().finally(() => rmSync(folder, { recursive: true }));
