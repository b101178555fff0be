// `pnpm bench NAME [--apps N] [--samples N] [--json]`: the product against a real API server, in one run.
import { parseArgs } from 'node:util';
import { printReport } from './report/print.ts';
import { runGenerate } from './scenarios/generate.ts';
import { runHeal } from './scenarios/heal.ts';
import { runPipeline } from './scenarios/pipeline.ts';
import { runPreview } from './scenarios/preview.ts';
import { runRenderBench } from './scenarios/render.ts';

const benches = {
  pipeline: runPipeline,
  heal: runHeal,
  generate: runGenerate,
  preview: runPreview,
  render: runRenderBench,
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    apps: { type: 'string', default: '1000' },
    samples: { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
  },
});
const bench = Object.entries(benches).find(([name]) => name === positionals[0])?.[1];
if (bench) {
  printReport(await bench({ apps: Number(values.apps), samples: Number(values.samples) }), values.json);
  process.exit();
}
process.stderr.write(`bench: say which: ${Object.keys(benches).join(', ')}\n`);
process.exitCode = 2;
