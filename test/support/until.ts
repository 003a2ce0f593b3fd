import { vi } from 'vitest';

/** Waits for a condition, patiently: a busy machine is no failure, and the test's own timeout is the last word. */
export const until = <T>(condition: () => T | Promise<T>) =>
  vi.waitUntil(condition, { timeout: 25_000, interval: 20 });
