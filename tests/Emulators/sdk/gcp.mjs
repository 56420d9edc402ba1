// Reads an emulated project with Google's own client, in its REST fallback, and prints what it read.
import { readFileSync } from 'node:fs';
import { MetricServiceClient } from '@google-cloud/monitoring';

const { address, project, credentials, filter, start, end, pageSize } = JSON.parse(readFileSync(0, 'utf8'));
const at = new URL(address);
const client = new MetricServiceClient({ fallback: true, protocol: 'http', apiEndpoint: at.hostname, port: Number(at.port), projectId: project, credentials });
const name = `projects/${project}`;
const seconds = (text) => ({ seconds: Date.parse(text) / 1000 });
const timeOf = (t) => Number(t.seconds) * 1000 + Math.round((t.nanos ?? 0) / 1e6);
try {
  const [descriptors] = await client.listMetricDescriptors({ name });
  let pages = 0;
  const points = [];
  let request = { name, filter, interval: { startTime: seconds(start), endTime: seconds(end) }, view: 'FULL', pageSize };
  while (request) {
    const [series, next] = await client.listTimeSeries(request, { autoPaginate: false });
    pages++;
    for (const one of series)
      for (const point of one.points)
        points.push({ labels: one.metric.labels ?? {}, end: timeOf(point.interval.endTime), value: Number(point.value.doubleValue ?? point.value.int64Value) });
    request = next;
  }
  console.log(JSON.stringify({ descriptors: descriptors.map((d) => ({ type: d.type, kind: d.metricKind, unit: d.unit })), pages, points }));
} catch (fault) {
  console.log(JSON.stringify({ error: fault.code, message: String(fault.message).slice(0, 200) }));
}
process.exit(0);
