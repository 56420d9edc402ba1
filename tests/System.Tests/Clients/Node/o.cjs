// What o.js reads from the service, one by one and in batches.
const { readFileSync } = require('node:fs');
const { o } = require('o.js');
const { default: buildQuery } = require('odata-query');

const service = readFileSync(0, 'utf8');
const refusal = async reading => {
  try {
    return await reading;
  } catch (response) {
    return { status: response.status, ...(await response.json()) };
  }
};
const three = handler => handler.get('Deployments(5)').get('Runs/$count').get('HourlyIntensities?$filter=DeploymentId eq 5&$orderby=PeriodStart,FunctionalUnit&$select=FunctionalUnit,Units&$top=2');

(async () => {
  const handler = o(`${service}/`);
  console.log(JSON.stringify({
    rows: await handler.get('Runs').query({ $filter: "State eq 'failed' and StartedAt ge 2026-01-30T04:00:00Z", $orderby: 'Id desc', $top: 3, $skip: 1, $select: 'Id,Source,EndedAt' }),
    built: await handler.get('Deployments').query(buildQuery({ filter: { Workload: { in: ['übersetzer 日本 🔥', 'O\'Neil\'s "batch"'] } }, orderBy: 'Id', select: 'Workload' })),
    expanded: await handler.get('HourlyIntensities').query({ $filter: "DeploymentId eq 5 and FunctionalUnit eq 'request'", $orderby: 'PeriodStart', $top: 1, $select: 'DeploymentId', $expand: 'Deployment($select=Country),Calendar($select=WeekdayName)' }),
    one: await handler.get('Deployments(5)').query({ $select: 'Id,Workload' }),
    count: await handler.get('Runs/$count').query({ $filter: "Kind eq 'backfill'" }),
    counted: await (await handler.get('Runs').fetch({ $count: true, $top: 1, $select: 'Id' })).json(),
    several: await handler.get('Deployments(5)').get('Sources').query({ $select: 'Id' }),
    batch: await three(handler).batch(),
    relativeBatch: await three(o(`${service}/`, { batch: { ...handler.config.batch, useRelativeURLs: true } })).batch(),
    refused: await refusal(handler.get('Runs').query({ $filter: 'Sauce eq 1' })),
    refusedInBatch: await handler.get('Runs(1)').get('Runs?$select=Sauce').batch(),
  }));
})();
