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
  const show = output.isTTY ? createLiveTable(output) : createLines(output);
  let view: View = { rows: [], words: [], settled: '', at: 0 };
  do {
    const state = await read().catch(() => undefined);
    if (signal.aborted) return;
    if (state) view = viewOf(state, view.settled, options);
    show(state ? view : { ...view, words: [...view.words, formatSilence(view)] });
    if (once && view.settled !== '') return;
  } while (await sleep(500, signal));
}

function createLiveTable(output: Output): (view: View) => void {
  const screen = createScreen(output);
  return ({ rows, words, settled }) => screen.draw([...rows, '', ...words, settled]);
}

/** The words whenever they change; the whole page once, when all is Healthy. */
function createLines(output: Output): (view: View) => void {
  let said = '';
  let settledBefore = '';
  return (view) => {
    const words = formatWords(view.words);
    if (view.settled !== settledBefore) output.write(formatPage(view));
    else if (words !== said) output.write(words);
    said = words;
    settledBefore = view.settled;
  };
}

/** What was last read. */
interface View extends FleetText {
  /** Empty until all was Healthy once. */
  settled: string;
  /** Milliseconds since the epoch; 0 when nothing was read yet. */
  at: number;
}

function viewOf(state: FleetState, settledBefore: string, { output, startedAt }: FollowOptions): View {
  const now = Date.now();
  const settled = settledBefore === '' && isSettled(state, startedAt) ? formatSettled(now - startedAt) : settledBefore;
  return { ...formatFleet(state, { color: output.isTTY === true, now }), settled, at: now };
}

function formatPage({ rows, words, settled }: View): string {
  return `\n${[...rows, '', ...words, settled].join('\n')}\n`;
}

function formatWords(words: readonly string[]): string {
  return `${words.join('\n')}\n`;
}

function formatSettled(tookMs: number): string {
  return `all Healthy ${(tookMs / 1_000).toFixed(1)} s after the start`;
}

function formatSilence({ at }: View): string {
  const age = at > 0 ? `: this is what it said ${formatAge(Date.now() - at)} ago` : '';
  return `the hub does not answer${age} (see hub-0.log)`;
}
