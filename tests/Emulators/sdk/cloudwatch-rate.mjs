// Reads a window of an emulated account with Amazon's own client, keeps nothing, and prints how long that took.
import { readFileSync } from 'node:fs';
import { CloudWatchClient, paginateListMetrics, paginateGetMetricData } from '@aws-sdk/client-cloudwatch';

const { address, region, accessKeyId, secretAccessKey, namespace, name, period, start, end } = JSON.parse(readFileSync(0, 'utf8'));
const client = new CloudWatchClient({ endpoint: address, region, credentials: { accessKeyId, secretAccessKey } });
const [began, before] = [performance.now(), process.cpuUsage()];
const metrics = [];
for await (const page of paginateListMetrics({ client }, { Namespace: namespace, MetricName: name })) metrics.push(...page.Metrics);
let points = 0;
for (let from = 0; from < metrics.length; from += 500) {
  const queries = metrics.slice(from, from + 500).map((metric, i) => ({ Id: `m${i}`, MetricStat: { Metric: metric, Period: period, Stat: 'Average' } }));
  for await (const page of paginateGetMetricData({ client }, { MetricDataQueries: queries, StartTime: new Date(start), EndTime: new Date(end), ScanBy: 'TimestampAscending' }))
    for (const result of page.MetricDataResults) points += result.Values.length;
}
const used = process.cpuUsage(before);
console.log(JSON.stringify({ points, seconds: (performance.now() - began) / 1000, cpu: (used.user + used.system) / 1e6 }));
