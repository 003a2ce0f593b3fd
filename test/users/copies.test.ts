/** The copy of a record that the user's object keeps: never older than what was answered, and repaired when it lags. */
import { createExecutionContext, createScheduledController, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import worker from '../../src/index.ts';
import { repairCopies } from '../../src/users/copy-service.ts';
import { call, keys, signIn } from '../support/client.ts';
import { depsWith, onDeviceSessions } from '../support/deps.ts';
import { deviceObject } from '../support/objects.ts';

async function runCron(): Promise<void> {
  const ctx = createExecutionContext();
  await worker.scheduled?.(createScheduledController(), env, ctx);
  await waitOnExecutionContext(ctx);
}

const copyOf = async (uid: number, sid: string) => {
  const standing = await deviceObject(uid).standing({ sid, jti: '' });
  return standing.ok ? standing.value.record : null;
};

it('holds a change before the change is answered', async () => {
  const user = await signIn('copied-at-once');
  const headers = { 'x-server-key': keys.secretKey };
  await call('PATCH', '/v1/users/copied-at-once', { headers, body: { displayName: 'New' } });
  expect(await copyOf(user.uid, user.sid)).toMatchObject({ displayName: 'New', version: 2 });
});

it('is repaired by the cron trigger where it lags', async () => {
  const user = await signIn('lagging');
  await env.DB.prepare(
    "UPDATE users SET displayName = 'Later', version = version + 1 WHERE userId = 'lagging'",
  ).run();
  expect((await copyOf(user.uid, user.sid))?.displayName).toBe(null);
  await runCron();
  expect(await copyOf(user.uid, user.sid)).toMatchObject({ displayName: 'Later', version: 2 });
  const row = await env.DB.prepare(
    "SELECT version, copiedVersion FROM users WHERE userId = 'lagging'",
  ).first();
  expect(row).toEqual({ version: 2, copiedVersion: 2 });
});

/** Users whose objects are never asked, as rows alone. */
async function addLagging(count: number): Promise<number[]> {
  const names = JSON.stringify(Array.from({ length: count }, () => `row-${crypto.randomUUID()}`));
  const { results } = await env.DB.prepare(
    "INSERT INTO users (userId, entry, createdAt, updatedAt) SELECT value, 'closed', 0, 0 FROM json_each(?) RETURNING id",
  )
    .bind(names)
    .all<{ id: number }>();
  return results.map(({ id }) => id);
}

const failing = (uids: readonly number[]) =>
  depsWith(
    onDeviceSessions((object, uid) => ({
      takeCopy: async record => {
        if (uids.includes(uid)) throw new Error('away');
        return object.takeCopy(record);
      },
    })),
  );

it('is repaired also behind 450 others that fail every time', async () => {
  const away = await addLagging(450);
  const [last = 0] = await addLagging(1);
  await repairCopies(failing(away));
  const row = await env.DB.prepare('SELECT version, copiedVersion FROM users WHERE id = ?')
    .bind(last)
    .first();
  expect(row).toEqual({ version: 1, copiedVersion: 1 });
  await env.DB.prepare('DELETE FROM users WHERE copiedVersion < version').run();
});

it('is never replaced by an older one', async () => {
  const user = await signIn('older');
  const copy = await copyOf(user.uid, user.sid);
  if (!copy) throw new Error('no copy');
  await deviceObject(user.uid).takeCopy({ ...copy, version: 9, displayName: 'Nine' });
  await deviceObject(user.uid).takeCopy({ ...copy, version: 8, displayName: 'Eight' });
  expect(await copyOf(user.uid, user.sid)).toMatchObject({ version: 9, displayName: 'Nine' });
});
