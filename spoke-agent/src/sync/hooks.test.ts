import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { deletePoliciesOf, hookTypesOf, isHook, isSkipped, phasesOf, waveOf } from './hooks.ts';

interface Case {
  id: string;
  area: string;
  input: { annotations: Record<string, string> };
  expected: Record<string, unknown>;
}

const file = new URL('../../../../shared/fixtures/argocd/ordering.json', import.meta.url);
const cases = (JSON.parse(readFileSync(file, 'utf8')) as Case[]).filter(({ area }) => area === 'ordering.annotations');

describe('hook and wave annotations, as Argo CD reads them', () => {
  it.each(cases)('$id', ({ input, expected }) => {
    const { annotations } = input;
    const actual: Record<string, unknown> = {
      isHook: isHook(annotations),
      skip: isSkipped(annotations),
      hookTypes: hookTypesOf(annotations),
      phases: phasesOf(annotations),
      deletePolicies: deletePoliciesOf(annotations),
      wave: waveOf(annotations),
    };
    expect(actual).toMatchObject(expected);
  });
});
