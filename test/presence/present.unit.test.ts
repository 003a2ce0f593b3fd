import { expect, it } from 'vitest';
import { presentPresence } from '../../src/presence/present.ts';

const userId = 'ada-lovelace';

it('shows the part in force, the rest of its chain and when it was set', () => {
  const presence = { type: 'Away', timeToLive: 8, expiresTo: { type: 'Offline', timeToLive: 0 } };
  expect(presentPresence({ userId, presence, setAt: 1_800_000_000_000 })).toEqual({
    userId: { identifier: userId },
    presence: { presence, setTimeMs: 1_800_000_000_000 },
  });
});

it('leaves out what is not there, where a chain ran out and where none was ever set', () => {
  const ranOut = presentPresence({ userId, presence: null, setAt: 5 });
  expect(ranOut).toStrictEqual({ userId: { identifier: userId }, presence: { setTimeMs: 5 } });
  const neverSet = presentPresence({ userId, presence: null, setAt: null });
  expect(neverSet).toStrictEqual({ userId: { identifier: userId }, presence: { setTimeMs: 0 } });
});

it('S34 shows of a part nothing but its three members, and of the last no successor', () => {
  const last = { type: 'Offline', timeToLive: 0, expiresTo: null, uid: 2 };
  const presence = { type: 'Away', timeToLive: 8, uid: 1, expiresTo: last };
  expect(presentPresence({ userId, presence, setAt: 5 }).presence).toStrictEqual({
    presence: { type: 'Away', timeToLive: 8, expiresTo: { type: 'Offline', timeToLive: 0 } },
    setTimeMs: 5,
  });
});
