import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { loginAs, me, png, register } from '../support/accounts.ts';
import { call, keys, ORIGIN, type SignedIn, signIn, trips } from '../support/client.ts';

const ISO = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

async function upload({ accessToken: token }: SignedIn): Promise<string> {
  const headers = { 'content-type': 'png', 'content-length': String(png.length) };
  const { status, body } = await call('POST', '/uploads', { token, headers, body: png });
  if (status !== 200) throw new Error(`upload: ${status} ${JSON.stringify(body)}`);
  return body.id;
}

const add = ({ accessToken: token }: SignedIn, id: string, changes: Record<string, unknown> = {}) =>
  call('POST', '/users/me/photos', {
    token,
    body: { photo: { id, fileType: 'png', fileSize: png.length, ...changes } },
  });
const remove = ({ accessToken: token }: SignedIn, id: string) =>
  call('DELETE', `/users/me/photos/${id}`, { token });
const photosOf = async (user: SignedIn) => (await me(user)).body.photos;

describe('works', () => {
  it('adds photos, shows them to everybody, the newest as the avatar of a sign-in', async () => {
    const user = await register('pictured1');
    const [first, second] = [await upload(user), await upload(user)];
    const answer = await add(user, first);
    expect([answer.status, answer.body]).toEqual([200, '']);
    expect((await add(user, second.toUpperCase())).status).toBe(200);
    const shown = [first, second].map(id => ({
      id,
      fileType: 'png',
      fileSize: png.length,
      previewWidth: 1,
      previewHeight: 1,
      createdAt: expect.stringMatching(ISO),
    }));
    expect(await photosOf(user)).toEqual(shown);
    expect((await call('GET', `/users/${user.uid}`)).body.photos).toEqual(shown);
    expect((await call('GET', '/users?s=pictured')).body[0].photos).toEqual(shown);
    expect(trips(await me(user))).toEqual([0, 1]);

    const issued = await call('POST', '/api/v4/authentication/token', {
      headers: { 'x-server-key': keys.secretKey },
      body: { userId: user.userId },
    });
    const { body } = await call('POST', '/api/v5/sessions', {
      key: keys.publishableKey,
      body: { userId: user.userId, deviceId: 'd', authToken: issued.body },
    });
    expect(body.users[0].avatarFileId).toBe(second);
    expect(body.files).toEqual([
      {
        fileId: second,
        fileUrl: `${ORIGIN}/uploads/${second}.png`,
        type: 'image',
        accessType: 'public',
        altText: null,
        createdAt: expect.stringMatching(ISO),
        updatedAt: expect.stringMatching(ISO),
        attributes: {
          name: `${second}.png`,
          extension: 'png',
          size: png.length,
          mimeType: 'image/png',
          metadata: { exif: null, gps: null, height: 1, width: 1, isFull: true },
        },
      },
    ]);
  });

  it('adds a photo once, however often it is asked to', async () => {
    const user = await register('picturedOnce');
    const id = await upload(user);
    const answers = await Promise.all(Array.from({ length: 5 }, () => add(user, id)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await photosOf(user)).toHaveLength(1);
  });

  it('removes a photo with its bytes', async () => {
    const user = await register('unpictured');
    const id = await upload(user);
    await add(user, id);
    const answer = await remove(user, id);
    expect([answer.status, answer.body]).toEqual([200, '']);
    expect(await photosOf(user)).toEqual([]);
    expect((await call('GET', `/uploads/${id}.png`)).status).toBe(404);
    expect(await env.FILES.head(`uploads/${id}.png`)).toBe(null);
    expect((await add(user, id)).status).toBe(404);
  });
});

describe('refuses', () => {
  it('what is not as it was uploaded, and what nobody uploaded', async () => {
    const user = await register('mismatched');
    const id = await upload(user);
    for (const changes of [{ fileType: 'jpg' }, { fileSize: png.length + 1 }]) {
      expect(await add(user, id, changes)).toMatchObject({ status: 400, body: { code: 'upload_mismatch' } });
    }
    expect(await add(user, crypto.randomUUID())).toMatchObject({ status: 404 });
    expect((await add(user, 'not-a-uuid')).status).toBe(400);
    expect((await remove(user, crypto.randomUUID())).body.code).toBe('photo_not_found');
    expect((await remove(user, 'not-a-uuid')).status).toBe(400);
  });

  it('more than a hundred photos', async () => {
    const user = await register('manyPhotos');
    const rows = Array.from({ length: 100 }, (_, index) =>
      env.DB.prepare("INSERT INTO photos VALUES (?, ?, 'png', 1, 1, 1, ?)").bind(
        `p${index}`,
        user.uid,
        index,
      ),
    );
    await env.DB.batch(rows);
    await call('PUT', '/users/me', { token: user.accessToken, body: { about: 'Many' } });
    const id = await upload(user);
    expect(await add(user, id)).toMatchObject({ status: 409, body: { code: 'too_many_photos' } });
  });
});

describe('keeps out', () => {
  it("others from somebody's uploads and photos, as if they were not there (S32)", async () => {
    const [user, other] = [await register('ownsPhotos'), await signIn('wants-photos')];
    const [photo, loose] = [await upload(user), await upload(user)];
    await add(user, photo);
    for (const id of [photo, loose]) {
      expect(await add(other, id)).toMatchObject({ status: 404, body: { code: 'upload_not_found' } });
      expect(await remove(other, id)).toMatchObject({ status: 404, body: { code: 'photo_not_found' } });
    }
    expect(await photosOf(user)).toHaveLength(1);
    expect((await call('GET', `/uploads/${photo}.png`)).status).toBe(200);
  });

  it('nobody, and who was signed out', async () => {
    const user = await register('signedOutPic');
    const id = await upload(user);
    const other = await loginAs('signedOutPic');
    await call('POST', '/users/me/logout', { token: user.accessToken });
    expect((await add(user, id)).status).toBe(401);
    expect((await remove(user, id)).status).toBe(401);
    expect((await call('POST', '/users/me/photos', { body: {} })).status).toBe(401);
    expect((await add(other, id)).status).toBe(200);
  });
});
