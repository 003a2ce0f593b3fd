import { expect, it } from 'vitest';
import { nextKeySet } from '../../src/dev/key-set.ts';
import { makeSigningKey } from '../../src/dev/secrets.ts';

const kids = ({ keys }: { keys: { kid: string }[] }) => keys.map(({ kid }) => kid);

it('publishes a new key, lets it sign, drops the old one', async () => {
  const first = { keys: [await makeSigningKey()] };
  const added = await nextKeySet(first, 'add');
  expect(kids(added)).toHaveLength(2);
  expect(kids(added)[0]).toBe(kids(first)[0]);
  const switched = await nextKeySet(added, 'switch');
  expect(kids(switched)).toEqual(kids(added).toReversed());
  const dropped = await nextKeySet(switched, 'drop');
  expect(kids(dropped)).toEqual([kids(added)[1]]);
});

it('has nothing to switch or drop where there is one key', async () => {
  const one = { keys: [await makeSigningKey()] };
  await expect(nextKeySet(one, 'switch')).rejects.toThrow('add');
  await expect(nextKeySet(one, 'drop')).rejects.toThrow('add');
  await expect(nextKeySet({ keys: [] }, 'add')).rejects.toThrow('no key');
});
