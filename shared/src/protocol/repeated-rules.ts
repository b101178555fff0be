/**
 * How documents of version 3 travel: a rule of what is ignored (`IgnoreDifference`) stands in them once, and policies say
 * where. Whoever signs and opens a document sees it as one of any other version.
 */
import { FleetError } from '../errors/fleet-error.ts';
import type { AssignedApp, AssignmentDocument, IgnoreDifference } from './document.ts';

type Rules = readonly IgnoreDifference[];

/** Less is not worth a document that older agents refuse. */
const worthwhileBytes = 16 * 1024;

/** Whether so much of a document would be rules that stand in it already. */
export function isRepetitive(apps: readonly Pick<AssignedApp, 'policy'>[]): boolean {
  const { indexOf, lengths } = createTable();
  let repeatedBytes = 0;
  for (const { policy } of apps)
    for (const rule of policy.ignoreDifferences ?? []) {
      const known = lengths.length;
      const index = indexOf(rule);
      if (index < known) repeatedBytes += lengths[index] ?? 0;
    }
  return repeatedBytes > worthwhileBytes;
}

/** The document as it travels. */
export function packRules(document: AssignmentDocument): object {
  const { indexOf, rules } = createTable();
  const apps = document.apps.map((app) => {
    const { ignoreDifferences } = app.policy;
    return ignoreDifferences
      ? { ...app, policy: { ...app.policy, ignoreDifferences: ignoreDifferences.map(indexOf) } }
      : app;
  });
  return { ...document, apps, rules };
}

/** The document as it was. Throws Malformed for one that names a rule which is not in it. */
export function unpackRules(travelled: AssignmentDocument): AssignmentDocument {
  const { rules, ...document } = travelled as AssignmentDocument & { rules?: Rules };
  // the many Applications that have the same rules have the same list of them
  const lists = new Map<string, IgnoreDifference[]>();
  const apps = document.apps.map((app) => {
    const { ignoreDifferences: places } = app.policy;
    if (!places) return app;
    const key = JSON.stringify(places);
    const list = lists.get(key) ?? places.map((place) => ruleAt(rules, place));
    lists.set(key, list);
    return { ...app, policy: { ...app.policy, ignoreDifferences: list } };
  });
  return { ...document, apps };
}

function ruleAt(rules: Rules | undefined, place: unknown): IgnoreDifference {
  const rule = Array.isArray(rules) && typeof place === 'number' ? (rules as Rules)[place] : undefined;
  if (rule) return rule;
  throw new FleetError(
    'Malformed',
    `a signed document names rule ${JSON.stringify(place)} of what is ignored, which it does not hold`,
  );
}

/** Equal rules have the same place; most of them are one object, which need not be written to see that. */
function createTable() {
  const byObject = new Map<IgnoreDifference, number>();
  const byText = new Map<string, number>();
  const rules: IgnoreDifference[] = [];
  const lengths: number[] = [];
  const indexOf = (rule: IgnoreDifference): number => {
    const known = byObject.get(rule);
    if (known !== undefined) return known;
    const text = JSON.stringify(rule);
    const index = byText.get(text) ?? rules.push(rule) - 1;
    lengths[index] ??= text.length;
    byText.set(text, index);
    byObject.set(rule, index);
    return index;
  };
  return { indexOf, rules, lengths };
}
