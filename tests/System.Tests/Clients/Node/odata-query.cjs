// Queries that odata-query builds, and what the service answers to each.
const { readFileSync } = require('node:fs');
const { default: buildQuery, alias, decimal, guid, raw } = require('odata-query');

const service = readFileSync(0, 'utf8');

const ask = async (path, query) => {
  const response = await fetch(service + path + buildQuery(query));
  const body = await response.text();
  return response.headers.get('content-type').startsWith('application/json') ? JSON.parse(body) : body;
};
const count = filter => ask('/HourlyIntensities', { count: filter });

(async () => console.log(JSON.stringify({
  page: await ask('/HourlyIntensities', {
    select: ['DeploymentId', 'FunctionalUnit', 'PeriodStart', 'Units'],
    filter: {
      and: [{ Evidence: { in: ['measured', 'estimated'] } }, { or: [{ Region: 'dc-1' }, { Provider: 'aws' }] }],
      PeriodStart: { ge: new Date(Date.UTC(2026, 1, 1)), lt: new Date(Date.UTC(2026, 1, 2)) },
    },
    orderBy: [['PeriodStart', 'desc'], 'DeploymentId', 'FunctionalUnit'],
    skip: 3,
    top: 7,
    count: true,
  }),
  counts: {
    not: await count({ not: [{ Model: { contains: '70b' } }, { Evidence: { in: ['measured', 'derived'] } }] }),
    null: await count({ ServerJoules: null, Units: { ne: null } }),
    days: await count({ Date: { ge: raw('2026-01-31'), lt: raw('2026-02-02') } }),
    decimal: await count({ AcceleratorJoules: { lt: decimal('500000.5') } }),
    alias: await count({ Evidence: alias('worst', 'estimated') }),
    functions: await count({ 'tolower(Workload)': 'chat-70b', 'month(PeriodStart)': 2, 'length(Evidence)': { le: 8 } }),
    navigation: await count({ Deployment: { Country: 'DE' }, Calendar: { Weekday: { in: [6, 7] } } }),
    quotes: await ask('/Deployments', { count: { Workload: 'O\'Neil\'s "batch"' } }),
    letters: await ask('/Deployments', { count: { or: [{ Workload: { startswith: 'übersetzer 日本' } }, { Workload: 'a%b_c\\d' }] } }),
  },
  expanded: await ask('/HourlyIntensities', {
    select: ['DeploymentId'],
    expand: { Deployment: { select: ['Workload', 'Country'] }, Calendar: { select: ['WeekdayName'] } },
    filter: { DeploymentId: 5, FunctionalUnit: 'request' },
    orderBy: 'PeriodStart',
    top: 1,
  }),
  key: await ask('/Deployments', { key: 5, select: ['Workload', 'Place'] }),
  textKey: await ask('/Workloads', { key: 'O\'Neil\'s "batch"' }),
  compositeKey: await ask('/HourlyIntensities', { key: { DeploymentId: 5, FunctionalUnit: 'request', PeriodStart: new Date(Date.UTC(2026, 1, 1)) }, select: ['Units'] }),
  search: await ask('/Workloads', { search: 'padded' }),
  groups: await ask('/HourlyIntensities', {
    transform: [
      { filter: { FunctionalUnit: 'request', DeploymentId: { ne: raw('9007199254740993') } } },
      { groupBy: { properties: ['Evidence'], transform: { aggregate: [{ Units: { with: 'sum', as: 'Units' } }, { AcceleratorJoules: { with: 'max', as: 'Most' } }, '$count as Hours'] } } },
    ],
    orderBy: 'Evidence',
  }),
  compared: await ask('', { func: { Compare: { unit: 'request' } } }),
  errors: {
    property: await ask('/HourlyIntensities', { filter: { Joulez: { gt: 1 } } }),
    guid: await ask('/HourlyIntensities', { filter: { Workload: guid('0f8fad5b-d9cb-469f-a165-70867728950e') } }),
  },
})))();
