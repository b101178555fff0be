import { describe, expect, it } from 'vitest';
import { combined } from './application-sets/combined.ts';
import { outside } from './application-sets/outside.ts';
import { simple } from './application-sets/simple.ts';
import { evaluate } from './application-sets/world.ts';

// ApplicationSets of the shapes that Argo CD documents, about a fleet of this project's own.
const table = [...simple, ...combined, ...outside];

describe('ApplicationSets', () => {
  it('are forty or more, each with a name of its own', () => {
    expect(new Set(table.map(({ name }) => name)).size).toBe(table.length);
    expect(table.length).toBeGreaterThanOrEqual(40);
  });

  it.each(table)('$name', async ({ yaml, expected }) => {
    const { applications, errors, failed } = await evaluate(yaml);
    expect(failed?.message).toBeUndefined();
    expect(errors).toEqual([]);
    const found = applications.map(({ metadata, spec }) => {
      const { name, server } = spec.destination;
      const auto = spec.syncPolicy?.automated ? ['auto'] : [];
      return [metadata.name, name ?? server, spec.source?.path, ...auto].join(' ');
    });
    expect(found).toEqual(expected);
  });
});
