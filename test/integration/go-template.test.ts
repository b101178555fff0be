import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { toValue } from '@wheelhouse/hub/generate/template/decode';
import { createTemplateCompiler } from '@wheelhouse/hub/generate/template/template';
import type { GoMap } from '@wheelhouse/hub/generate/template/value';
import { array, nat, sample } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chanceOf, data, template } from '../go-template/random-template.ts';
import { tempDir } from '../support/temp-dir.ts';

const source = resolve(import.meta.dirname, '../go-template');
const seed = Number(process.env['GO_TEMPLATE_SEED'] ?? 20_261_125);
const count = Number(process.env['GO_TEMPLATE_COUNT'] ?? 4_000);

interface Answer {
  output?: string;
  error?: string;
}

function findGo(): string | undefined {
  const names = [...(process.env['PATH'] ?? '').split(':').map((dir) => join(dir, 'go')), '/usr/local/go/bin/go'];
  return names.find((name) => existsSync(name));
}

/** Builds the Go program; a reason when that cannot be done here. */
function build(go: string, binary: string): string | undefined {
  const { status, stderr } = spawnSync(go, ['build', '-o', binary, '.'], {
    cwd: source,
    encoding: 'utf8',
    timeout: 100_000,
  });
  return status === 0 ? undefined : `go build failed, perhaps without a network: ${stderr.trim().slice(-300)}`;
}

function askGo(binary: string, templates: readonly string[], options: string[]): Answer[] {
  const input = templates.map((text) => JSON.stringify({ template: text, data, options })).join('\n');
  const { stdout, stderr, status } = spawnSync(binary, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`the Go program failed: ${stderr}`);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

function askOwn(text: string, options: string[]): Answer {
  try {
    const { compiler } = { compiler: createTemplateCompiler({ goTemplate: true, options }) };
    return { output: compiler.render(text, toValue(structuredClone(data)) as GoMap) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function whyDifferent(text: string, go: Answer, own: Answer): string | undefined {
  if ((go.output === undefined) === (own.output === undefined) && go.output === own.output) return undefined;
  return `${text}\n  Go:  ${JSON.stringify(go)}\n  own: ${JSON.stringify(own)}`;
}

describe('Go templates', () => {
  it.each([[['missingkey=error']], [[]]])(
    `render ${count} random templates as Go and sprig do, with options %j`,
    async (options) => {
      await using directory = await tempDir();
      const go = findGo();
      const reason = go === undefined ? 'there is no Go' : build(go, join(directory.path, 'go-template'));
      if (reason !== undefined) return console.warn(`skipped: ${reason}`);
      const templates = sample(array(nat(10_000), { minLength: 5, maxLength: 60 }), { seed, numRuns: count }).map(
        (numbers) => template(2, chanceOf(numbers)),
      );
      const answers = askGo(join(directory.path, 'go-template'), templates, options);
      const different = templates.flatMap(
        (text, index) => whyDifferent(text, answers[index] ?? {}, askOwn(text, options)) ?? [],
      );
      const worked = answers.filter(({ output }) => output !== undefined).length;
      console.log(
        `${templates.length} templates, ${worked} of them without an error in Go, ${different.length} different`,
      );
      expect(worked).toBeGreaterThan(count / 4);
      expect(different.slice(0, 5)).toEqual([]);
    },
    180_000,
  );
});
