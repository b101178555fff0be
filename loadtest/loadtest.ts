// `pnpm loadtest SCENARIO [--clusters N] [--apps M] [--json]`: the whole product under load, on hollow spokes.
import { parseArgs } from 'node:util';
import { printReport } from './report/print.ts';
import { runFailover } from './scenarios/failover.ts';
import { runSpine } from './scenarios/spine.ts';

const scenarios = { failover: runFailover, spine: runSpine };

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    clusters: { type: 'string', default: '1000' },
    apps: { type: 'string', default: '10000' },
    json: { type: 'boolean', default: false },
  },
});
const scenario = Object.entries(scenarios).find(([name]) => name === positionals[0])?.[1];
if (scenario) {
  printReport(await scenario({ clusters: Number(values.clusters), apps: Number(values.apps) }), values.json);
  process.exit();
}
process.stderr.write(`loadtest: say which scenario: ${Object.keys(scenarios).join(', ')}\n`);
process.exitCode = 2;
