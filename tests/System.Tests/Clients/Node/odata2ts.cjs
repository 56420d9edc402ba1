// The client that odata2ts generates from the service's model: its types, and what it reads.
const { execFileSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const ts = require('typescript');
const { FetchClient } = require('@odata2ts/http-client-fetch');

const service = readFileSync(0, 'utf8');
// Where the generated code finds the packages that it uses.
const folder = mkdtempSync(join(__dirname, 'node_modules', '.odata2ts-'));

const generate = async () => {
  writeFileSync(join(folder, 'Metrics.xml'), await (await fetch(`${service}/$metadata`)).text());
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { module: 'CommonJS', target: 'ES2022', strict: true } }));
  // 64-bit numbers as texts: JavaScript's own numbers would change them.
  writeFileSync(join(folder, 'odata2ts.config.cjs'), `module.exports = { services: { metrics: { source: 'Metrics.xml', output: 'out', v4BigNumberAsString: true } } };`);
  execFileSync(process.execPath, [join(__dirname, 'node_modules/@odata2ts/odata2ts/lib/run-cli.js'), '--mode', 'all', '--emit-mode', 'js_dts'], { cwd: folder, stdio: 'pipe' });
};

/** Properties of each generated interface, with their types as they are written. */
const readTypes = () => {
  const file = join(folder, 'out', 'MetricsModel.d.ts');
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const interfaces = source.statements.filter(statement => ts.isInterfaceDeclaration(statement) && !statement.heritageClauses);
  return Object.fromEntries(interfaces.map(one => [one.name.text, Object.fromEntries(one.members.map(member => [member.name.text, member.type.getText()]))]));
};

const rows = async reading => (await reading).data.value;
const refusal = reading => reading.then(() => null, error => ({ message: error.message, status: error.status }));

(async () => {
  await generate();
  const { MetricsService } = require(join(folder, 'out', 'MetricsService.js'));
  const { qHourlyIntensity } = require(join(folder, 'out', 'QMetrics.js'));
  const metrics = new MetricsService(new FetchClient(), service);
  console.log(JSON.stringify({
    types: readTypes(),
    page: (await metrics.HourlyIntensities().query((builder, hour) => builder
      .select('DeploymentId', 'FunctionalUnit', 'PeriodStart', 'Units')
      .filter(hour.Evidence.in('measured', 'estimated'), hour.Region.eq('dc-1').or(hour.Provider.eq('aws')), hour.PeriodStart.ge('2026-02-01T00:00:00Z'), hour.PeriodStart.lt('2026-02-02T00:00:00Z'))
      .orderBy(hour.PeriodStart.desc(), hour.DeploymentId.asc(), hour.FunctionalUnit.asc())
      .skip(3).top(7).count())).data,
    expanded: await rows(metrics.HourlyIntensities().query((builder, hour) => builder
      .select('DeploymentId')
      .expanding('Deployment', (deployment) => deployment.select('Workload', 'Country'))
      .expanding('Calendar', (day) => day.select('WeekdayName'))
      .filter(hour.DeploymentId.eq('5'), hour.FunctionalUnit.eq('request'), hour.Deployment.props.Country.eq('DE'))
      .orderBy(hour.PeriodStart.asc()).top(1))),
    groups: await rows(metrics.HourlyIntensities().query((builder, hour) => builder.groupBy('Evidence'))),
    one: (await metrics.Deployments('9007199254740993').query(builder => builder.select('Id', 'Workload'))).data,
    oneByText: (await metrics.Workloads('übersetzer 日本 🔥').query()).data,
    oneByThree: (await metrics.HourlyIntensities({ DeploymentId: '5', FunctionalUnit: 'request', PeriodStart: '2026-02-01T00:00:00Z' }).query(builder => builder.select('DeploymentId', 'Units'))).data,
    compared: (await rows(metrics.Compare({ unit: 'request', evidence: 'estimated', minCoverage: 0, from: '2026-02-01T00:00:00Z', to: '2026-02-02T00:00:00Z' }))).length,
    missing: await refusal(metrics.Deployments('6').query()),
    // A property that deployments do not have.
    refused: await refusal(metrics.Deployments().query(builder => builder.filter(qHourlyIntensity.Units.gt(1)))),
  }));
})().finally(() => rmSync(folder, { recursive: true }));
