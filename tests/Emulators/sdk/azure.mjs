// Reads an emulated subscription with Microsoft's own client and prints what it read.
import { readFileSync } from 'node:fs';
import { MetricsClient } from '@azure/monitor-query-metrics';

const { address, tenant, clientId, clientSecret, resources, namespace, names, aggregation, dimension, start, end } = JSON.parse(readFileSync(0, 'utf8'));
// The grant of an application, as Microsoft's identity library makes it.
const credential = {
  async getToken(scopes) {
    const scope = [scopes].flat().join(' ');
    const answer = await fetch(new URL(`${tenant}/oauth2/v2.0/token`, address), { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope }) });
    const told = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(told.error_description), { code: told.error });
    return { token: told.access_token, expiresOnTimestamp: Date.now() + 1000 * told.expires_in };
  },
};
try {
  const client = new MetricsClient(address, credential, { audience: 'https://metrics.monitor.azure.com/.default' });
  const results = await client.queryResources(resources, names, namespace, {
    aggregation, interval: 'PT1M', startTime: new Date(start), endTime: new Date(end), ...(dimension ? { filter: `${dimension} eq '*'`, top: 1000 } : {}),
  });
  const points = [];
  for (const result of results)
    for (const metric of result.metrics)
      for (const series of metric.timeseries)
        for (const point of series.data ?? []) {
          const value = point[aggregation] ?? point[aggregation.toLowerCase()];
          if (value !== undefined) points.push({ resource: result.resourceId, metric: metric.name, dimensions: series.metadataValues ?? {}, time: point.timeStamp.getTime(), value });
        }
  console.log(JSON.stringify({ results: results.length, points }));
} catch (fault) {
  console.log(JSON.stringify({ error: String(fault.code ?? fault.name), status: fault.statusCode, message: String(fault.message).slice(0, 300) }));
}
