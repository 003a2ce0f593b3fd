import { expect, it } from 'vitest';
import { whatDies, withNewVersion, withoutVersion } from '../../src/dev/master-ring.ts';
import { makeMasterSecret, parseMasterSecrets } from '../../src/dev/secrets.ts';

const text = `${makeMasterSecret(2)},${makeMasterSecret(1)}`;
const ring = parseMasterSecrets(text);
const keys = [
  { id: 'a', name: 'Old server', kind: 'sk', version: 1 },
  { id: 'b', name: 'New server', kind: 'sk', version: 2 },
  { id: 'c', name: 'Forgotten', kind: 'pk', version: null },
];

it('puts a new version in front and keeps the others', () => {
  const next = withNewVersion(ring);
  expect(next.endsWith(`,${text}`)).toBe(true);
  expect(parseMasterSecrets(next)[0].version).toBe(3);
});

it('takes a version out, but not the newest and not one that is missing', () => {
  expect(withoutVersion(ring, 1)).toBe(text.split(',')[0]);
  expect(() => withoutVersion(ring, 2)).toThrow('newest');
  expect(() => withoutVersion(ring, 7)).toThrow('no version 7');
});

it('says which keys die, which may, and what becomes of retired names', () => {
  const said = whatDies(1, keys, true).join('\n');
  expect(said).toContain('stop working: 1');
  expect(said).toContain('Old server');
  expect(said).not.toContain('New server');
  expect(said).toContain('Forgotten');
  expect(said).toContain('stay');
  expect(whatDies(1, keys, false).join('\n')).toContain('Set NAME_PEPPERS first');
});
