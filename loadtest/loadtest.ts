// `pnpm loadtest SCENARIO [--clusters N] [--apps M] [--steps K] [--json]`: the whole product under load, on hollow spokes.
import { parseArgs } from 'node:util';
import { printReport } from './report/print.ts';
import { runFailover } from './scenarios/failover.ts';
import { runRollout } from './scenarios/rollout.ts';
import { runSpine } from './scenarios/spine.ts';
import { runStorm } from './scenarios/storm.ts';

const scenarios = { failover: runFailover, rollout: runRollout, spine: runSpine, storm: runStorm };

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    clusters: { type: 'string', default: '1000' },
    apps: { type: 'string', default: '10000' },
    steps: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
});
const scenario = Object.entries(scenarios).find(([name]) => name === positionals[0])?.[1];
if (scenario) {
  const { clusters, apps, steps, json } = values;
  const options = { clusters: Number(clusters), apps: Number(apps), steps: Number(steps) };
  printReport(await scenario(options), json);
  process.exit();
}
process.stderr.write(`loadtest: say which scenario: ${Object.keys(scenarios).join(', ')}\n`);
process.exitCode = 2;
