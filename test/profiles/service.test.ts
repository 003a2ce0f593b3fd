/** What may happen between the reading of a definition and the setting of a value. */
import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../src/platform/database.ts';
import { readAttributes, removeAttribute, setAttributes } from '../../src/profiles/service.ts';
import { signIn } from '../support/client.ts';

const run = (query: string, ...values: unknown[]) =>
  env.DB.prepare(query)
    .bind(...values)
    .run();

let clock = 0;
const define = (contentType: string) => {
  clock += 1;
  return run(
    'INSERT INTO attributeDefs (key, allowedContentTypes, allowedContentEncodings, canBeEmpty, createdAt) VALUES (?, ?, ?, 1, ?)',
    'raced',
    JSON.stringify([contentType]),
    '["identity"]',
    clock,
  );
};
const undefine = () => run("DELETE FROM attributeDefs WHERE key = 'raced'");
const markErased = (userId: string) => run('UPDATE users SET erasedAt = 1 WHERE userId = ?', userId);

/** D1 as it is when something else happens just before each transaction. */
function interrupted(happens: () => Promise<unknown>) {
  const d1 = new Proxy(env.DB, {
    get(target, property) {
      if (property === 'batch')
        return async (statements: D1PreparedStatement[]) => {
          await happens();
          return target.batch(statements);
        };
      const member = Reflect.get(target, property);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  return { db: openDatabase(d1, { d1: 0, objects: 0 }) };
}
const calm = interrupted(async () => {});

const attributes = [
  { key: 'steady', contentType: 'a', contentEncoding: 'identity', value: 'new' },
  { key: 'raced', contentType: 'a', contentEncoding: 'identity', value: 'new' },
];
const set = (userId: string, happens: () => Promise<unknown>) =>
  setAttributes(interrupted(happens), userId, attributes, index => `${index}.`);
const valuesOf = async (userId: string) =>
  (await readAttributes(calm, userId, '*')).map(({ key, value }) => [key, value]);

let userId: string;
beforeEach(async () => {
  ({ userId } = await signIn(`between-${crypto.randomUUID()}`));
  await run(`INSERT OR IGNORE INTO attributeDefs VALUES ('steady', '["a"]', '["identity"]', 1, 0)`);
  await undefine();
  await define('a');
});

it('sets nothing where a definition goes in between', async () => {
  await expect(set(userId, undefine)).rejects.toMatchObject({
    code: 'invalid_input',
    details: { errors: [{ path: '1.key' }] },
  });
  expect(await valuesOf(userId)).toEqual([]);
});

it('goes by the definition that took its place in between', async () => {
  const replacedBy = (contentType: string) => {
    let done = false;
    return async () => {
      if (done) return;
      done = true;
      await undefine();
      await define(contentType);
    };
  };
  await expect(set(userId, replacedBy('b'))).rejects.toMatchObject({
    code: 'invalid_input',
    details: { errors: [{ path: '1.contentType' }] },
  });
  expect(await valuesOf(userId)).toEqual([]);
  await undefine();
  await define('a');
  await set(userId, replacedBy('a'));
  expect(await valuesOf(userId)).toEqual([
    ['raced', 'new'],
    ['steady', 'new'],
  ]);
});

it('gives up where the definition is replaced again and again', async () => {
  const happens = async () => {
    await undefine();
    await define('a');
  };
  await expect(set(userId, happens)).rejects.toMatchObject({ code: 'try_again' });
  expect(await valuesOf(userId)).toEqual([]);
});

it('sets, shows and deletes nothing of a user who is on their way out', async () => {
  await set(userId, async () => {});
  const gone = { code: 'user_not_found' };
  await expect(set(userId, () => markErased(userId))).rejects.toMatchObject(gone);
  await expect(readAttributes(calm, userId, '*')).rejects.toMatchObject(gone);
  await expect(removeAttribute(calm, userId, 'steady')).rejects.toMatchObject(gone);
});
