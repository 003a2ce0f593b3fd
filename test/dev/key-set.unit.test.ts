import { expect, it } from 'vitest';
import { nextKeySet } from '../../src/dev/key-set.ts';
import { makeSigningKey } from '../../src/dev/secrets.ts';

const kids = ({ keys }: { keys: { kid: string }[] }) => keys.map(({ kid }) => kid);

it('publishes a new key, lets it sign, drops the old one', async () => {
  const first = { keys: [{ ...(await makeSigningKey()), kid: '20250101T000000-00000000' }] };
  const added = await nextKeySet(first, 'add');
  expect(kids(added)).toHaveLength(2);
  expect(kids(added)[0]).toBe(kids(first)[0]);
  const switched = await nextKeySet(added, 'switch');
  expect(kids(switched)).toEqual(kids(added).toReversed());
  const dropped = await nextKeySet(switched, 'drop');
  expect(kids(dropped)).toEqual([kids(added)[1]]);
});

it('never goes back to an older key', async () => {
  const [older, newer] = [await makeSigningKey(), await makeSigningKey()].map((key, index) => ({
    ...key,
    kid: `2026010${index + 1}T000000-00000000`,
  }));
  if (!older || !newer) throw new Error('no keys');
  const switched = await nextKeySet({ keys: [older, newer] }, 'switch');
  expect(kids(switched)[0]).toBe(newer.kid);
  await expect(nextKeySet(switched, 'switch')).rejects.toThrow('signs already');
  expect(kids(await nextKeySet(switched, 'drop'))).toEqual([newer.kid]);
});

it('has nothing to switch or drop where there is one key', async () => {
  const one = { keys: [await makeSigningKey()] };
  await expect(nextKeySet(one, 'switch')).rejects.toThrow('add');
  await expect(nextKeySet(one, 'drop')).rejects.toThrow('add');
  await expect(nextKeySet({ keys: [] }, 'add')).rejects.toThrow('no key');
});
