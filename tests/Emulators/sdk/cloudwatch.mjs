// Reads an emulated account with Amazon's own client and prints what it read.
import { readFileSync } from 'node:fs';
import { CloudWatchClient, paginateListMetrics, paginateGetMetricData } from '@aws-sdk/client-cloudwatch';

const { address, region, accessKeyId, secretAccessKey, namespace, name, statistic, period, start, end, pageSize } = JSON.parse(readFileSync(0, 'utf8'));
const client = new CloudWatchClient({ endpoint: address, region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 2 });
try {
  const metrics = [];
  for await (const page of paginateListMetrics({ client }, { Namespace: namespace, MetricName: name })) metrics.push(...page.Metrics);
  const queries = metrics.map((metric, i) => ({ Id: `m${i}`, MetricStat: { Metric: metric, Period: period, Stat: statistic } }));
  const points = [];
  let pages = 0;
  for await (const page of paginateGetMetricData({ client }, { MetricDataQueries: queries, StartTime: new Date(start), EndTime: new Date(end), ScanBy: 'TimestampAscending', MaxDatapoints: pageSize })) {
    pages++;
    for (const result of page.MetricDataResults)
      result.Timestamps.forEach((time, i) => points.push({ dimensions: Object.fromEntries(metrics[Number(result.Id.slice(1))].Dimensions.map((d) => [d.Name, d.Value])), time: time.getTime(), value: result.Values[i] }));
  }
  console.log(JSON.stringify({ metrics: metrics.length, pages, points }));
} catch (fault) {
  console.log(JSON.stringify({ error: fault.name, message: String(fault.message).slice(0, 200) }));
}
