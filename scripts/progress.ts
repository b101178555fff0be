/** Shows what is going on for long, with the elapsed time: one line that is rewritten on a terminal, else a line every 30 s. */
export async function withProgress<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const elapsed = () => `${Math.round((performance.now() - startedAt) / 1_000)} s`;
  const { stderr } = process;
  const show = stderr.isTTY
    ? () => stderr.write(`\r\u001B[K${what} … ${elapsed()}`)
    : () => stderr.write(`${what} … ${elapsed()}\n`);
  show();
  const timer = setInterval(show, stderr.isTTY ? 1_000 : 30_000);
  try {
    const result = await work();
    stderr.write(`${stderr.isTTY ? '\r\u001B[K' : ''}${what}: done in ${elapsed()}\n`);
    return result;
  } catch (error) {
    stderr.write(`${stderr.isTTY ? '\r\u001B[K' : ''}${what}: failed after ${elapsed()}\n`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}
