/** S50: nothing is written of a user who is on their way out, and nothing stuck keeps the others from going. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { addPhoto } from '../../src/accounts/photo-service.ts';
import type { Deps } from '../../src/deps.ts';
import { eraseUser, sweepErased } from '../../src/erasure/service.ts';
import { attachWallet, claimLocator, setLocator } from '../../src/locators/service.ts';
import { setAttributes } from '../../src/profiles/service.ts';
import { defineRole, giveRoles } from '../../src/roles/service.ts';
import { isOwnUpload, keepingUpload } from '../../src/uploads/service.ts';
import { repairCopies } from '../../src/users/copy-service.ts';
import { findUserOf, updateUser } from '../../src/users/service.ts';
import { call, joinAs, openRoom, type SignedIn, signIn } from '../support/client.ts';
import { depsWith, onDeviceSessions } from '../support/deps.ts';
import { deviceObject, deviceStub, liveStub, recordOf, tablesOf } from '../support/objects.ts';
import { newWallet } from '../support/wallets.ts';

const mark = (uid: number) => env.DB.prepare('UPDATE users SET erasedAt = 1 WHERE id = ?').bind(uid).run();

/** How many rows D1 has of a user, but for their own. */
async function rowsOf(uid: number): Promise<number> {
  const tables = ['credentials', 'photos', 'userRoles', 'locators', 'profileAttributes'];
  const counts = tables.map(table => `(SELECT count(*) FROM "${table}" WHERE uid = ?1)`);
  const n = await env.DB.prepare(`SELECT ${counts.join(' + ')} AS n`)
    .bind(uid)
    .first<number>('n');
  return n ?? Number.NaN;
}

/** Everything an object holds, as one text. */
async function wholeObject(stub: DurableObjectStub): Promise<string> {
  const tables = await tablesOf(stub);
  return runInDurableObject(stub as never, (_, { storage }: DurableObjectState) =>
    JSON.stringify(tables.map(name => [name, storage.sql.exec(`SELECT * FROM "${name}"`).toArray()])),
  );
}

/** Adds a picture, as the routes do, whose upload was there when it was looked for. */
function addUploaded(deps: Deps, uid: number, id: string): Promise<unknown> {
  const photo = { id, fileType: 'png', fileSize: 1, previewWidth: 1, previewHeight: 1, createdAt: 0 };
  return addPhoto(deps, uid, photo, keepingUpload(uid, id), isOwnUpload(uid, id));
}

async function uploadOf(uid: number): Promise<string> {
  const id = crypto.randomUUID();
  await env.DB.prepare("INSERT INTO uploads VALUES (?, ?, 'png', 'image/png', 1, 1, 1, 'stored', 1)")
    .bind(id, uid)
    .run();
  return id;
}

describe('leaves no row of a user who was marked after they were read', () => {
  const writes: [string, (deps: Deps, user: SignedIn) => Promise<unknown>][] = [
    [
      'a role',
      async (deps, { uid }) => {
        await defineRole(deps, { roleId: 'late-role', displayName: null, permissions: [] });
        return giveRoles(deps, { ...recordOf({ uid, userId: 'x' }) }, ['late-role']);
      },
    ],
    [
      'an attribute',
      async (deps, { userId }) => {
        const forms = { allowedContentTypes: ['text/plain'], allowedContentEncodings: ['identity'] };
        await env.DB.prepare('INSERT OR IGNORE INTO attributeDefs VALUES (?, ?, ?, 1, 1)')
          .bind(
            'late',
            JSON.stringify(forms.allowedContentTypes),
            JSON.stringify(forms.allowedContentEncodings),
          )
          .run();
        const attribute = { key: 'late', contentType: 'text/plain', contentEncoding: 'identity', value: 'x' };
        return setAttributes(deps, userId, [attribute], () => '');
      },
    ],
    ['what they say of themself', (deps, { uid }) => claimLocator(deps, uid, email)],
    [
      'what a key sets of them',
      (deps, { uid }) => setLocator(deps, uid, { ...email, verificationStatus: null }),
    ],
    [
      'a wallet',
      (deps, { uid }) =>
        attachWallet(deps, uid, { address: newWallet().address.toLowerCase(), chainId: null }),
    ],
    ['a name', (deps, { uid }) => updateUser(deps, uid, { displayName: 'Late' })],
  ];
  const email = { type: 'email', value: 'late@example.org' } as const;

  it.each(writes)('%s', async (what, write) => {
    const user = await signIn(`late-${what.replaceAll(' ', '-')}`);
    await mark(user.uid);
    await expect(write(depsWith(), user)).rejects.toMatchObject({ code: 'user_not_found' });
    expect(await rowsOf(user.uid)).toBe(0);
    const name = env.DB.prepare('SELECT displayName FROM users WHERE id = ?').bind(user.uid);
    expect(await name.first('displayName')).toBe(null);
  });

  it.each(writes)('%s, and is accepted of one who was not', async (what, write) => {
    const user = await signIn(`in-time-${what.replaceAll(' ', '-')}`);
    await write(depsWith(), user);
    expect(await rowsOf(user.uid)).toBe(what === 'a name' ? 0 : 1);
    await eraseUser(depsWith(), user.uid);
    expect(await rowsOf(user.uid)).toBe(0);
  });
});

describe('leaves no picture that is added while its user is being erased', () => {
  const pictures = (uid: number) =>
    env.DB.prepare(
      'SELECT (SELECT count(*) FROM photos WHERE uid = ?1) + (SELECT count(*) FROM uploads WHERE uid = ?1) AS n',
    )
      .bind(uid)
      .first('n');

  const uploads = (uid: number) =>
    env.DB.prepare('SELECT count(*) AS n FROM uploads WHERE uid = ?').bind(uid).first('n');

  it.each(['before', 'after'] as const)('%s their uploads are', async when => {
    const { uid } = await signIn(`pictured-${when}`);
    const id = await uploadOf(uid);
    let added = 0;
    const add = async () => {
      await expect(addUploaded(depsWith(), uid, id)).rejects.toMatchObject({ code: 'user_not_found' });
      added += 1;
    };
    const deps = depsWith(
      onDeviceSessions(object => ({
        erase: async () => {
          const ended = await object.erase();
          if (when !== 'before') return ended;
          await add();
          // The upload and the picture of it.
          expect(await pictures(uid)).toBe(2);
          return ended;
        },
        forget: async () => {
          await object.forget();
          if (when !== 'after') return;
          await vi.waitFor(async () => expect(await uploads(uid)).toBe(0));
          await add();
          expect(await pictures(uid)).toBe(0);
        },
      })),
    );
    await eraseUser(deps, uid);
    expect([added, await pictures(uid)]).toEqual([1, 0]);
  });

  it('nor one that is added when they are gone', async () => {
    const { uid } = await signIn('pictured-gone');
    const id = await uploadOf(uid);
    await eraseUser(depsWith(), uid);
    await expect(addUploaded(depsWith(), uid, id)).rejects.toMatchObject({ code: 'user_not_found' });
    expect(await pictures(uid)).toBe(0);
  });
});

describe('the cron trigger', () => {
  it('goes past 25 users whose live sessions do not answer, to one who can be erased', async () => {
    const insert = env.DB.prepare(
      "INSERT INTO users (userId, entry, erasedAt, createdAt, updatedAt) VALUES (?, 'open', 1, 1, 1) RETURNING id",
    );
    const rows = await env.DB.batch<{ id: number }>(
      Array.from({ length: 26 }, (_, index) => insert.bind(`stuck-${index}`)),
    );
    const uids = rows.map(({ results: [row] }) => row?.id ?? 0);
    const last = uids.at(-1);
    const asked: number[] = [];
    const deps = depsWith(
      onDeviceSessions((object, uid) => ({
        erase: async () => {
          asked.push(uid);
          return uid === last ? object.erase() : { everywhere: false, ban: null };
        },
      })),
    );
    const stuck = () =>
      env.DB.prepare("SELECT count(*) AS n FROM users WHERE userId LIKE 'stuck-%'").first('n');
    await sweepErased(deps);
    expect(asked.filter(uid => uids.includes(uid))).toEqual(uids);
    expect(await stuck()).toBe(25);
    await sweepErased(depsWith());
    expect(await stuck()).toBe(0);
  });

  it('neither copies nor counts those who are being erased', async () => {
    const user = await signIn('erased-not-copied');
    const copied: number[] = [];
    const deps = depsWith(
      onDeviceSessions(object => ({
        takeCopy: record => {
          copied.push(record.uid);
          return object.takeCopy(record);
        },
      })),
    );
    await env.DB.prepare('UPDATE users SET version = version + 1 WHERE id = ?').bind(user.uid).run();
    await repairCopies(deps);
    expect(copied).toContain(user.uid);
    await env.DB.prepare('UPDATE users SET version = version + 1, erasedAt = 1 WHERE id = ?')
      .bind(user.uid)
      .run();
    expect(await repairCopies(deps)).toBe(0);
  });
});

describe('the object of an erased user', () => {
  const later = async (user: SignedIn) => {
    const found = await findUserOf(depsWith(), user.uid);
    if (!found) throw new Error('nobody there');
    return { ...found.record, version: 99, displayName: 'CANARY later' };
  };

  it('ignores a copy that was on its way, before it forgot and after (S50)', async () => {
    const user = await signIn('copied-too-late');
    const record = await later(user);
    await deviceObject(user.uid).erase();
    expect(await deviceObject(user.uid).takeCopy(record)).toEqual({ everywhere: true });
    expect(await wholeObject(deviceStub(user.uid))).not.toContain('CANARY');
    await deviceObject(user.uid).forget();
    expect(await deviceObject(user.uid).takeCopy(record)).toEqual({ everywhere: true });
    const kept = await wholeObject(deviceStub(user.uid));
    for (const trace of ['CANARY', user.userId, user.sid]) expect(kept).not.toContain(trace);
    expect(await deviceObject(user.uid).listAll()).toEqual([]);
  });

  it('tells the live sessions whose notes went long ago with a sign-out (S50)', async () => {
    const host = await signIn('notes-gone-host');
    const visited = await openRoom(host, { maxFiles: 5 });
    const before = await signIn('notes-gone');
    const own = await openRoom(before);
    const seat = await joinAs(before, visited, { identity: { name: 'CANARY nick' } });
    const file = await call('POST', '/session/current/files', {
      token: seat,
      headers: { 'file-name': 'theirs.txt', 'content-length': '1' },
      body: 'x',
    });
    expect(file.status).toBe(200);
    await call('POST', '/session/disconnect', { token: seat });
    expect((await call('DELETE', '/api/v5/sessions', { token: before.accessToken })).status).toBe(200);
    const again = await signIn('notes-gone');
    expect(again.uid).toBe(before.uid);
    for (const { sessionId } of [visited, own]) {
      expect(await wholeObject(liveStub(sessionId))).toContain('notes-gone');
    }
    await eraseUser(depsWith(), again.uid);
    for (const { sessionId } of [visited, own]) {
      const kept = await wholeObject(liveStub(sessionId));
      for (const trace of ['CANARY', '"notes-gone"', '\\"notes-gone\\"']) expect(kept).not.toContain(trace);
      expect(kept).toContain('.erased');
    }
  });
});
