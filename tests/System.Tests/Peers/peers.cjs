// Puts the same inputs through the Impact Framework and Cloud Carbon Footprint.
// Standard input: JSON { compute: [...], embodied: [...], ... }. Standard output: their answers under the same names, in the same order.
'use strict';
const ccf = require('@cloud-carbon-footprint/core');
const { Interpolation } = require('@grnsft/if/build/if-run/builtins/interpolation');
const { Sci } = require('@grnsft/if/build/if-run/builtins/sci');
const { SciEmbodied } = require('@grnsft/if/build/if-run/builtins/sci-embodied');
const { aggregateOutputsIntoOne } = require('@grnsft/if/build/if-run/util/aggregation-helper');
const { storeAggregationMetrics } = require('@grnsft/if/build/if-run/lib/aggregate');

// The answers are the only output; the framework also logs there.
const answer = process.stdout.write.bind(process.stdout);
console.log = console.debug = console.warn = () => {};

const none = { inputs: {}, outputs: {} };
const at = { timestamp: '2026-01-05T10:00:00Z', duration: 3600 };

const peers = {
  compute: cases => cases.map(c => new ccf.ComputeEstimator().estimate(
    [{ timestamp: new Date(0), cpuUtilizationAverage: c.percent, vCpuHours: c.vCpuHours, usesAverageCPUConstant: false }], 'here', { here: c.tonnesPerKilowattHour },
    { minWatts: c.minWatts, maxWatts: c.maxWatts, powerUsageEffectiveness: c.pue, replicationFactor: 1 })[0]),

  embodied: cases => cases.map(c => new ccf.EmbodiedEmissionsEstimator(c.lifespanHours).estimate(
    [{ timestamp: new Date(0), usageTimePeriod: c.hours, instancevCpu: c.vCpus, largestInstancevCpu: c.largestVCpus, scopeThreeEmissions: c.tonnes }], 'here', { here: c.tonnesPerKilowattHour })[0]),

  storage: cases => cases.map(c => new ccf.StorageEstimator(c.wattHoursPerTerabyteHour).estimate(
    [{ timestamp: new Date(0), terabyteHours: c.terabyteHours }], 'here', { here: c.tonnesPerKilowattHour }, { powerUsageEffectiveness: c.pue, replicationFactor: c.replication })[0]),

  curve: cases => Promise.all(cases.map(async c => (await Interpolation(
    { method: 'linear', x: [0, 10, 50, 100], y: [0.12, 0.32, 0.75, 1.02], 'input-parameter': 'load', 'output-parameter': 'factor' }, none, {})
    .execute([{ ...at, load: c.percent }]))[0].factor)),

  sciEmbodied: cases => Promise.all(cases.map(async c => (await SciEmbodied(
    { 'baseline-emissions': c.grams, lifespan: c.lifespanSeconds, 'vcpu-emissions-constant': 100000, 'output-parameter': 'm' }, none, {})
    .execute([{ ...at, duration: c.seconds, vCPUs: c.vCpus, memory: 16, ssd: c.ssds, hdd: 0, gpu: 0, 'usage-ratio': c.share }]))[0].m)),

  sci: cases => Promise.all(cases.map(async c => (await Sci({ 'functional-unit': 'units' }, none, {}).execute([{ ...at, carbon: c.grams, units: c.units }]))[0].sci)),

  // The mean of the scores of periods, as its aggregation over time makes it.
  aggregated: cases => Promise.all(cases.map(async periods => {
    storeAggregationMetrics({ sci: { time: 'avg', component: 'sum' } });
    const scored = await Sci({ 'functional-unit': 'units' }, none, {}).execute(periods.map((p, i) => ({ timestamp: new Date(Date.UTC(2026, 0, 5, 10 + i)).toISOString(), duration: 3600, carbon: p.grams, units: p.units })));
    return aggregateOutputsIntoOne(scored, ['sci']).sci;
  })),
};

let text = '';
process.stdin.setEncoding('utf8').on('data', part => text += part).on('end', async () => {
  const answers = {};
  for (const [name, cases] of Object.entries(JSON.parse(text))) answers[name] = await peers[name](cases);
  answer(JSON.stringify(answers));
});
