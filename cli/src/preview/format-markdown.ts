import type { Preview } from '@wheelhouse/hub/preview/preview';
import { formatCounts, formatGroup, formatMembers, formatObject, isBlocked } from './format-text.ts';

type Group = Preview['groups'][number];

/** By it a later run finds the comment to replace. */
export const marker = '<!-- wheelhouse preview -->';
/** GitHub takes 65,536 characters, GitLab a million. */
const maxCharacters = 60_000;
const maxDiffCharacters = 8_000;

/** Fit for a comment on a pull request; diffs that do not fit are left out, and it says so. */
export function formatMarkdown(preview: Preview): string {
  const { sha, baseSha, groups, pruned, held, problems } = preview;
  const head = [
    marker,
    `### Wheelhouse preview: ${isBlocked(preview) ? 'look before you merge' : 'nothing stands in the way'}`,
    `\`${sha.slice(0, 8)}\` against \`${baseSha.slice(0, 8)}\`: Applications: **${formatCounts(preview)}**`,
    ...held.map(({ applicationSet, reason }) => `- **held**: ApplicationSet \`${applicationSet}\`: ${escape(reason)}`),
    ...problems.map(({ object, message }) => `- **problem**: \`${object}\`: ${escape(message)}`),
    ...pruned.map(
      ({ app, cluster, objects }) => `- **pruned** from \`${app}\` on \`${cluster}\`: ${objects.join(', ')}`,
    ),
  ];
  let text = `${head.join('\n\n').slice(0, maxCharacters)}\n`;
  let left = groups.length;
  for (const group of groups) {
    const next = formatGroupMarkdown(group);
    if (text.length + next.length > maxCharacters) break;
    text += `\n${next}`;
    left -= 1;
  }
  return left === 0 ? text : `${text}\n…and ${left} more changes: \`wheelhouse preview\` shows them.\n`;
}

function formatGroupMarkdown(group: Group): string {
  const objects = group.objects.map((object) => `${formatObject(object)}\n${diffBlock(object.text)}`);
  const members = group.applications.length > 1 ? `${formatMembers(group)}\n\n` : '';
  return `<details><summary>${escape(formatGroup(group))}</summary>\n\n${members}${objects.join('\n')}\n</details>\n`;
}

/** Longer fences than any within, so that nothing in a manifest ends the block. */
function diffBlock(text: string): string {
  if (text === '') return '';
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const shown = text.length > maxDiffCharacters ? `${text.slice(0, maxDiffCharacters)}\n…` : text.trimEnd();
  return `\n${fence}diff\n${shown}\n${fence}\n`;
}

function escape(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('\n', ' ');
}
