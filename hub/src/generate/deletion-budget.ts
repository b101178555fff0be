import type { AppProject } from '@wheelhouse/shared/resources/app-project';
import type { Application } from '@wheelhouse/shared/resources/application';
import type { ApplicationSet } from '@wheelhouse/shared/resources/application-set';
import { projectNameOf } from '@wheelhouse/shared/resources/defaults';

/** How many Applications one evaluation may remove before a person is asked. */
export interface DeletionBudget {
  /** Default 10. */
  count: number;
  /** Percent of the Applications that the set had; default 20. Does not apply to removals of up to `always`. */
  percent: number;
  /** Removals of this many or fewer are within the percentage whatever the size of the set; default 3. */
  always: number;
}

export const budgetAnnotation = 'wheelhouse.dev/deletion-budget';
const defaultBudget: DeletionBudget = { count: 10, percent: 20, always: 3 };

type Parts = Partial<Pick<DeletionBudget, 'count' | 'percent'>>;
type Annotated = { metadata: { annotations?: Record<string, string> | undefined } };

/**
 * `wheelhouse.dev/deletion-budget: "25,50%"` on an ApplicationSet; either part may be left out, and is then what the
 * project says by the same annotation. Of several projects the least is taken.
 */
export function budgetOf(applicationSet: ApplicationSet, projects: readonly AppProject[] = []): DeletionBudget {
  const own = partsOf(applicationSet);
  const theirs = projects.map(partsOf);
  const count = own.count ?? leastOf(theirs, 'count');
  const percent = own.percent ?? leastOf(theirs, 'percent');
  return {
    ...defaultBudget,
    ...(count === undefined ? {} : { count }),
    ...(percent === undefined ? {} : { percent, always: 0 }),
  };
}

/** Projects of a set: the one that its template names, else those of the Applications that it has. */
export function projectsOf(
  { spec }: ApplicationSet,
  { has, find }: { has: readonly Application[]; find(name: string): AppProject | undefined },
): AppProject[] {
  const project = projectNameOf(spec.template.spec);
  const isTemplate = project.includes('{{');
  const names = isTemplate ? has.map(({ spec: { project: one } }) => one) : [project];
  return [...new Set(names)].flatMap((name) => find(name) ?? []);
}

/** A project without a word of its own has the default. */
function leastOf(all: readonly Parts[], part: keyof Parts): number | undefined {
  if (all.every((parts) => parts[part] === undefined)) return undefined;
  return Math.min(...all.map((parts) => parts[part] ?? defaultBudget[part]));
}

function partsOf({ metadata }: Annotated): Parts {
  return parseBudget(metadata.annotations?.[budgetAnnotation] ?? '') ?? {};
}

/** Undefined when it is no budget. */
function parseBudget(text: string): Parts | undefined {
  const parts: Parts = {};
  for (const part of text.split(',').map((one) => one.trim())) {
    const [, digits, percent] = /^(\d+)\s*(%?)$/.exec(part) ?? [];
    if (digits === undefined && part !== '') return undefined;
    if (digits !== undefined) parts[percent ? 'percent' : 'count'] = Number(digits);
  }
  return parts;
}

/** Why the annotation of an object says nothing; undefined when it does, or is not there. */
export function whyBudgetInvalid({ metadata }: Annotated): string | undefined {
  const text = metadata.annotations?.[budgetAnnotation];
  if (text === undefined || parseBudget(text)) return undefined;
  return `annotation ${budgetAnnotation} "${text}" is no budget; write it as "25,50%", "25" or "50%"`;
}
