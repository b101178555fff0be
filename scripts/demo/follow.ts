import { formatAge } from '@wheelhouse/cli/output';
import { sleep } from '@wheelhouse/shared/async/abort';
import { createScreen, type Output } from './screen.ts';
import { type FleetState, type FleetText, formatFleet, isSettled } from './table.ts';

export interface FollowOptions {
  output: Output;
  /** When the demo was started, in ms since the epoch: news from before that do not make it Healthy. */
  startedAt: number;
  /** Ends when all is Healthy. */
  once: boolean;
  signal: AbortSignal;
}

/**
 * Shows the fleet until the signal aborts. On a terminal: a live table. Else: a line whenever the words below the table
 * change, and the table once all is Healthy. A hub that does not answer is said, with the age of what is shown.
 */
export async function follow(read: () => Promise<FleetState>, options: FollowOptions): Promise<void> {
  const { output, once, signal } = options;
  const screen = createScreen(output);
  let view: View = { rows: [], words: [], settled: '', at: 0 };
  let said = '';
  do {
    const state = await read().catch(() => undefined);
    if (signal.aborted) return;
    const settles = view.settled === '' && state !== undefined && isSettled(state, options.startedAt);
    view = state ? viewOf(state, settles ? formatSettled(options.startedAt) : view.settled, output) : view;
    const words = state ? view.words : [...view.words, formatSilence(view)];
    screen.draw([...view.rows, '', ...words, view.settled]);
    if (!output.isTTY) output.write(settles ? formatPage(view) : words.join('\n') === said ? '' : formatWords(words));
    said = words.join('\n');
    if (once && settles) return;
  } while (await sleep(500, signal));
}

/** What was last read. */
interface View extends FleetText {
  /** Empty until all was Healthy once. */
  settled: string;
  /** Milliseconds since the epoch; 0 when nothing was read yet. */
  at: number;
}

function viewOf(state: FleetState, settled: string, { isTTY = false }: Output): View {
  const now = Date.now();
  return { ...formatFleet(state, { color: isTTY, now }), settled, at: now };
}

function formatPage({ rows, words, settled }: View): string {
  return `\n${[...rows, '', ...words, settled].join('\n')}\n`;
}

function formatWords(words: readonly string[]): string {
  return `${words.join('\n')}\n`;
}

function formatSettled(startedAt: number): string {
  return `all Healthy ${((Date.now() - startedAt) / 1_000).toFixed(1)} s after the start`;
}

function formatSilence({ at }: View): string {
  const age = at > 0 ? `: this is what it said ${formatAge(Date.now() - at)} ago` : '';
  return `the hub does not answer${age} (see hub-0.log)`;
}
