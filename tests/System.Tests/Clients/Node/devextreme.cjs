// What the data layer of DevExtreme's grids reads from the service.
const { readFileSync } = require('node:fs');
const { ODataStore } = require('devextreme/cjs/common/data');
const { EdmLiteral } = require('devextreme/cjs/common/data/odata/utils');
const httpRequest = require('devextreme/cjs/core/http_request');

const service = readFileSync(0, 'utf8');

// It asks by the browser's XMLHttpRequest, which Node does not have: this much of it, with the headers that it sets.
class XMLHttpRequest {
  headers = {};
  withCredentials = false;

  open(method, url) {
    Object.assign(this, { method, url });
  }

  setRequestHeader(name, value) {
    this.headers[name] = value;
  }

  async send() {
    const response = await fetch(this.url, { method: this.method, headers: this.headers });
    Object.assign(this, { responseText: await response.text(), status: response.status, statusText: response.statusText, readyState: 4 });
    this.onreadystatechange();
  }
}
httpRequest.inject({ getXhr: () => new XMLHttpRequest() });

const store = (set, options) => new ODataStore({ url: `${service}/${set}`, version: 4, ...options });
const load = (from, options) => new Promise((resolve, reject) => from.load(options).then((data, extra) => resolve({ data, ...extra }), reject));
const refusal = reading => reading.then(() => null, error => ({ message: error.message, status: error.httpStatus, code: error.errorDetails.code }));

(async () => {
  const hours = store('HourlyIntensities', {
    key: ['DeploymentId', 'FunctionalUnit', 'PeriodStart'],
    keyType: { DeploymentId: 'Int64', FunctionalUnit: 'String', PeriodStart: 'DateTimeOffset' },
    fieldTypes: { Date: 'Date', Units: 'Single', AcceleratorJoules: 'Decimal' },
  });
  const deployments = store('Deployments', { key: 'Id', keyType: 'Int64' });
  console.log(JSON.stringify({
    page: await load(hours, {
      filter: [[['Evidence', '=', 'measured'], 'or', ['Evidence', '=', 'estimated']], 'and', ['PeriodStart', '>=', '2026-02-01T00:00:00Z'], 'and', ['PeriodStart', '<', new Date(2026, 1, 2)]],
      sort: [{ selector: 'PeriodStart', desc: true }, 'DeploymentId', 'FunctionalUnit'],
      select: ['DeploymentId', 'FunctionalUnit', 'PeriodStart', 'Units'],
      skip: 3,
      take: 7,
      requireTotalCount: true,
    }),
    expanded: await load(hours, {
      filter: [['DeploymentId', '=', 5], 'and', ['FunctionalUnit', '=', 'request']], sort: 'PeriodStart', take: 1,
      select: ['DeploymentId', 'Deployment.Country', 'Calendar.WeekdayName'], expand: ['Deployment', 'Calendar'],
    }),
    counts: {
      contains: await deployments.totalCount({ filter: ['Workload', 'contains', 'chat'] }),
      notContains: await deployments.totalCount({ filter: ['Workload', 'notcontains', 'chat'] }),
      lower: await store('Deployments', { filterToLower: true }).totalCount({ filter: ['Workload', 'startswith', 'CHAT'] }),
      letters: await deployments.totalCount({ filter: [['Workload', '=', 'O\'Neil\'s "batch"'], 'or', ['Workload', 'endswith', '日本 🔥'], 'or', ['Workload', '=', 'a%b_c\\d']] }),
      not: await hours.totalCount({ filter: ['!', [['Deployment.Country', '=', 'DE'], 'or', ['ServerJoules', '=', null]]] }),
      typed: await hours.totalCount({ filter: [['AcceleratorJoules', '>', 500000.5], 'and', ['Units', '>=', 2.5], 'and', ['Date', '=', '2026-02-01']] }),
      large: await deployments.totalCount({ filter: ['Id', '=', '9007199254740993'] }),
    },
    // Seven pages and a rest, which it reads by the nextLinks.
    pages: (await load(store('Calendar', { beforeSend: request => { request.headers.Prefer = 'odata.maxpagesize=1000'; } }), { select: ['DateKey'] })).data.length,
    one: await deployments.byKey('9007199254740993', { select: ['Workload', 'Place'] }),
    oneByText: await store('Workloads', { key: 'Name', keyType: 'String' }).byKey('O\'Neil\'s "batch"'),
    oneByThree: await hours.byKey({ DeploymentId: 5, FunctionalUnit: 'request', PeriodStart: new EdmLiteral('2026-02-01T00:00:00Z') }, { expand: ['Deployment'] }),
    dates: (await load(store('Runs', { processDatesAsUtc: true }), { sort: 'Id', take: 1, select: ['StartedAt', 'EndedAt'] })).data.map(row => [row.StartedAt.getTime(), row.EndedAt]),
    refused: await refusal(load(hours, { filter: ['Joulez', '>', 1] })),
    missing: await refusal(deployments.byKey(6)),
  }));
})();
