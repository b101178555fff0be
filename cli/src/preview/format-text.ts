import type { Preview } from '@wheelhouse/hub/preview/preview';
import { formatTable } from '../output.ts';

type Group = Preview['groups'][number];

/** Whether a person should look before merging. */
export function isBlocked({ held, problems }: Pick<Preview, 'held' | 'problems'>): boolean {
  return held.length > 0 || problems.length > 0;
}

/** `3 added, 1 changed and 0 removed, of 12 looked at`. */
export function formatCounts({ counts }: Preview): string {
  const { added, changed, removed, looked } = counts;
  return `${added} added, ${changed} changed and ${removed} removed, of ${looked} looked at`;
}

/** `changed alike: 214 Applications on 214 clusters, +1 -1 lines`. */
export function formatGroup({ kind, applications, clusters, lines, leavesObjects }: Group): string {
  const alike = applications.length > 1 ? `${kind} alike: ` : `${kind}: `;
  const first = applications[0];
  const who =
    applications.length > 1
      ? `${applications.length} Applications on ${clusters} cluster${clusters === 1 ? '' : 's'}`
      : `${first?.app} on ${first?.cluster || 'no cluster'}`;
  return `${alike}${who}, ${leavesObjects ? 'without finalizer: what it runs stays' : `+${lines.added} -${lines.removed} lines`}`;
}

/** Names of the first Applications of a group. */
export function formatMembers({ applications }: Group, most = 10): string {
  const names = applications.slice(0, most).map(({ app }) => app);
  const more = applications.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

export function formatObject({ ref, kind }: Group['objects'][number]): string {
  return `${kind} ${ref.kind} ${ref.namespace === '' ? '' : `${ref.namespace}/`}${ref.name}`;
}

/** For a terminal: what would happen, what stands in its way, and every distinct change once. */
export function formatPreview(preview: Preview): string {
  const { revision, sha, baseSha, groups, pruned, held, problems } = preview;
  return [
    `${revision} (${sha.slice(0, 8)}) against ${baseSha.slice(0, 8)}: Applications: ${formatCounts(preview)}\n`,
    ...held.map(({ applicationSet, reason }) => `HELD      ApplicationSet ${applicationSet}: ${reason}\n`),
    ...problems.map(({ object, message }) => `PROBLEM   ${object}: ${message}\n`),
    ...prunedTable(pruned),
    ...groups.map(formatGroupText),
  ].join('');
}

function prunedTable(pruned: Preview['pruned']): string[] {
  if (pruned.length === 0) return [];
  const columns = [
    ['PRUNED FROM', ({ app }: Preview['pruned'][number]) => app],
    ['CLUSTER', ({ cluster }: Preview['pruned'][number]) => cluster],
    ['OBJECTS', ({ objects }: Preview['pruned'][number]) => objects.join(', ')],
  ] satisfies Parameters<typeof formatTable<Preview['pruned'][number]>>[1];
  return ['\n', formatTable(pruned, columns)];
}

function formatGroupText(group: Group): string {
  const members = group.applications.length > 1 ? `  ${formatMembers(group)}\n` : '';
  const objects = group.objects.map((object) => `  ${formatObject(object)}\n${indent(object.text)}`);
  return `\n${formatGroup(group)}\n${members}${objects.join('')}`;
}

function indent(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => `    ${line}\n`).join('');
}
