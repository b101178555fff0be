import type { Clock } from '@wheelhouse/shared/async/clock';

export interface WorkQueueOptions<K> {
  clock: Clock;
  /** Keys at work at a time. */
  concurrency: number;
  /** Lower first; first come, first served among equals. */
  priorityOf: (key: K) => number;
  /** Must not throw. What it returns is when to come back, in milliseconds; undefined: when told to. */
  work: (key: K) => Promise<number | undefined>;
}

/** A controller's queue: each key once, one at a time; what is added while it is at work runs again afterwards. */
export interface WorkQueue<K> extends AsyncDisposable {
  add(key: K): void;
  addAfter(key: K, ms: number): void;
  /** Forgets a key that waits. */
  remove(key: K): void;
  readonly idle: boolean;
}

export function createWorkQueue<K>(options: WorkQueueOptions<K>): WorkQueue<K> {
  return new Queue(options);
}

class Queue<K> implements WorkQueue<K> {
  readonly #options: WorkQueueOptions<K>;
  /** Keys by priority. */
  readonly #waiting = new Map<number, Set<K>>();
  readonly #running = new Map<K, Promise<void>>();
  readonly #again = new Set<K>();
  readonly #timers = new Map<K, { at: number; timer: Disposable }>();
  #stopped = false;
  #pumping = false;

  constructor(options: WorkQueueOptions<K>) {
    this.#options = options;
  }

  add(key: K): void {
    if (this.#stopped) return;
    if (this.#running.has(key)) this.#again.add(key);
    else {
      this.#enqueue(key);
      this.#pumpSoon();
    }
  }

  addAfter(key: K, ms: number): void {
    const at = this.#options.clock.now() + ms;
    const existing = this.#timers.get(key);
    if (this.#stopped || (existing && existing.at <= at)) return;
    this.#cancel(key);
    const timer = this.#options.clock.after(ms, () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { at, timer });
  }

  remove(key: K): void {
    this.#cancel(key);
    this.#again.delete(key);
    for (const [priority, keys] of this.#waiting) {
      keys.delete(key);
      if (keys.size === 0) this.#waiting.delete(priority);
    }
  }

  get idle(): boolean {
    return this.#running.size === 0 && this.#waiting.size === 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const key of this.#timers.keys()) this.#cancel(key);
    await Promise.all(this.#running.values());
  }

  #enqueue(key: K): void {
    const priority = this.#options.priorityOf(key);
    this.#waiting.set(priority, (this.#waiting.get(priority) ?? new Set()).add(key));
  }

  #next(): K | undefined {
    if (this.#waiting.size === 0) return undefined;
    const priority = Math.min(...this.#waiting.keys());
    const keys = this.#waiting.get(priority) as Set<K>;
    const [key] = keys;
    keys.delete(key as K);
    if (keys.size === 0) this.#waiting.delete(priority);
    return key;
  }

  /** In a later turn, so that what is added together is taken in order of priority. */
  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#stopped && this.#running.size < this.#options.concurrency) {
      const key = this.#next();
      if (key === undefined) return;
      this.#running.set(key, this.#run(key));
    }
  }

  async #run(key: K): Promise<void> {
    // After a turn, so that `#running` knows the key before its work can add it again.
    await Promise.resolve();
    this.#cancel(key);
    const after = await this.#options.work(key);
    this.#running.delete(key);
    if (this.#stopped) return;
    if (this.#again.delete(key)) this.#enqueue(key);
    else if (after !== undefined) this.addAfter(key, after);
    this.#pump();
  }

  #cancel(key: K): void {
    this.#timers.get(key)?.timer[Symbol.dispose]();
    this.#timers.delete(key);
  }
}
