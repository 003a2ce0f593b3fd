import { call } from './client.ts';

const nothing = new Uint8Array();

/**
 * Lets the other side begin by nothing to many milliseconds: in half of the rounds by steps of microseconds, so
 * that every step of it is met, in the other half by whole requests, so that it also gets to its end.
 */
export async function headStart(round: number): Promise<void> {
  const steps = Math.floor(round / 2);
  if (round % 2) {
    for (let step = 0; step < (steps % 100) * 2; step += 1) await crypto.subtle.digest('SHA-256', nothing);
  } else {
    for (let step = 0; step < steps % 10; step += 1) await call('GET', '/health');
  }
}
