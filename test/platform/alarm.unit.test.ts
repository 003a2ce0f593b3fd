import { describe, expect, it } from 'vitest';
import { earliest, openAlarm } from '../../src/platform/alarm.ts';

function recorded() {
  const calls: (number | null)[] = [];
  const alarm = openAlarm({
    setAlarm: async at => void calls.push(Number(at)),
    deleteAlarm: async () => void calls.push(null),
  });
  return { alarm, calls };
}

describe('the earliest deadline', () => {
  it('is the least of those that are set', () => {
    expect(earliest({ end: 30, warning: 20, retry: null })).toBe(20);
    expect(earliest({ end: null })).toBe(null);
    expect(earliest({})).toBe(null);
  });
});

describe('an alarm', () => {
  it('is written once for the same instant, and again where the earliest moved', () => {
    const { alarm, calls } = recorded();
    alarm.set({ end: 30, retry: null });
    alarm.set({ end: 30, retry: 40 });
    alarm.set({ end: 30, retry: 20 });
    alarm.set({ end: null, retry: null });
    expect(calls).toEqual([30, 20, null]);
  });

  it('is armed again after it fired, for the same instant too', () => {
    const { alarm, calls } = recorded();
    alarm.set({ end: 30 });
    alarm.fired();
    alarm.set({ end: 30 });
    expect(calls).toEqual([30, 30]);
  });
});
