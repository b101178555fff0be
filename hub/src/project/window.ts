import type { SyncWindow } from '@wheelhouse/shared/resources/app-project';

const names: Record<string, readonly string[]> = {
  month: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  day: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
};
const fields = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, words: names['month'] },
  { name: 'day of week', min: 0, max: 6, words: names['day'] },
] as const;

/** Argo CD: why a sync window cannot stand, or nothing. */
export function whyWindowInvalid(window: SyncWindow): string | undefined {
  const { kind = '', schedule = '', duration = '' } = window;
  if (kind !== 'allow' && kind !== 'deny') return `kind "${kind}" must be allow or deny`;
  const problem = whyScheduleInvalid(schedule);
  if (problem !== undefined) return `schedule "${schedule}": ${problem}`;
  if (!durationText.test(duration)) return `duration "${duration}" is none; write it as 1h30m`;
  if (!hasTarget(window)) return 'must name at least one of applications, namespaces and clusters';
  return whyDescriptionInvalid(window);
}

function whyDescriptionInvalid({ description = '' }: SyncWindow): string | undefined {
  return description.length > 255 ? 'the description is longer than 255 characters' : undefined;
}

/** Go: what `time.ParseDuration` reads. */
const durationText = /^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/;

function hasTarget({ applications = [], namespaces = [], clusters = [] }: SyncWindow): boolean {
  return applications.length + namespaces.length + clusters.length > 0;
}

/** robfig/cron: five fields of `*`, `?`, numbers, names, ranges, lists and steps. */
function whyScheduleInvalid(schedule: string): string | undefined {
  const parts = schedule.trim().split(/\s+/);
  if (parts.length !== fields.length || schedule.trim() === '') return `needs five fields, has ${parts.length}`;
  const bad = fields.find((field, index) => !(parts[index] ?? '').split(',').every((part) => fits(part, field)));
  return bad === undefined ? undefined : `the ${bad.name} cannot be read`;
}

function fits(part: string, field: { min: number; max: number; words?: readonly string[] | undefined }): boolean {
  const match = /^(?:(\*|\?)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part);
  if (match === null) return false;
  const [, any, low, high, step] = match;
  if (step !== undefined && Number(step) === 0) return false;
  if (any !== undefined) return true;
  const from = numberOf(low ?? '', field);
  const to = high === undefined ? from : numberOf(high, field);
  return from >= field.min && to <= field.max && from <= to;
}

function numberOf(text: string, { min, words = [] }: { min: number; words?: readonly string[] | undefined }): number {
  const word = words.indexOf(text.toLowerCase());
  if (word >= 0) return word + min;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}
