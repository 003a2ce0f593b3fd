import { Hono } from 'hono';
import { passwordOrToken, userToken } from '../access/account-callers.ts';
import { passwordCredential } from '../access/authenticate.ts';
import { bearer } from '../access/credentials.ts';
import { sourceOf } from '../http/client-address.ts';
import type { AppEnv } from '../http/context.ts';
import { limitRate } from '../http/limits.ts';
import { jsonBody, params, query } from '../http/validate.ts';
import {
  accountKeyRemovalSchema,
  accountKeySchema,
  credentialsSchema,
  deviceSchema,
  loginSchema,
  logoutSchema,
  passwordChangeSchema,
  photoParameter,
  photoSchema,
  profileSchema,
  registrationSchema,
  resetSchema,
} from './contract.ts';
import {
  changePassword,
  removeAccountKey,
  resetPassword,
  setAccountKey,
  setCredentials,
} from './password-service.ts';
import { attachPhoto, detachPhoto } from './photo-service.ts';
import { presentMe, presentSignedIn } from './present.ts';
import {
  changeProfile,
  eraseByPassword,
  eraseByToken,
  login,
  logOut,
  readSelf,
  register,
  renameDevice,
} from './service.ts';

const guarded = limitRate('PASSWORD_LIMIT');

/** Accounts with a username and a password, mounted under `/users`. */
export const accountRoutes = new Hono<AppEnv>()
  .post('/', limitRate('REGISTRATION_LIMIT'), jsonBody(registrationSchema), async c => {
    const signedIn = await register(c.get('deps'), c.req.valid('json'), sourceOf(c.req.raw));
    return c.json(presentSignedIn(signedIn));
  })
  .post('/login', guarded, passwordCredential, jsonBody(loginSchema), async c => {
    const { deviceInfo } = c.req.valid('json');
    const signedIn = await login(c.get('deps'), c.get('password'), deviceInfo, sourceOf(c.req.raw));
    return c.json(presentSignedIn(signedIn));
  })
  .put('/resetPassword', guarded, jsonBody(resetSchema), async c => {
    await resetPassword(c.get('deps'), c.req.valid('json'), sourceOf(c.req.raw).network);
    return c.body(null, 200);
  })
  .get('/me', userToken, async c => {
    const overview = await readSelf(c.get('deps'), c.get('claims'));
    return c.json(presentMe(overview, bearer(c.req.header('authorization'))));
  })
  .put('/me', userToken, jsonBody(profileSchema), async c => {
    await changeProfile(c.get('deps'), c.get('claims'), c.req.valid('json'));
    return c.body(null, 200);
  })
  .delete('/me', guarded, passwordOrToken, async c => {
    const proof = c.get('proof');
    if (proof.kind === 'token') await eraseByToken(c.get('deps'), proof.claims);
    else await eraseByPassword(c.get('deps'), proof.credential, sourceOf(c.req.raw));
    return c.body(null, 200);
  })
  .post('/me/logout', userToken, query(logoutSchema), async c => {
    await logOut(c.get('deps'), c.get('claims'), c.req.valid('query').all === 'true');
    return c.body(null, 200);
  })
  .put('/me/changePassword', guarded, userToken, jsonBody(passwordChangeSchema), async c => {
    const { network } = sourceOf(c.req.raw);
    await changePassword(c.get('deps'), c.get('claims'), c.req.valid('json'), network);
    return c.body(null, 200);
  })
  .put('/me/setAccountKey', guarded, userToken, jsonBody(accountKeySchema), async c => {
    const { network } = sourceOf(c.req.raw);
    await setAccountKey(c.get('deps'), c.get('claims'), c.req.valid('json'), network);
    return c.body(null, 200);
  })
  .delete('/me/accountKey', guarded, userToken, jsonBody(accountKeyRemovalSchema), async c => {
    const { network } = sourceOf(c.req.raw);
    await removeAccountKey(c.get('deps'), c.get('claims'), c.req.valid('json').password, network);
    return c.body(null, 200);
  })
  .put('/me/credentials', guarded, userToken, jsonBody(credentialsSchema), async c => {
    const { network } = sourceOf(c.req.raw);
    await setCredentials(c.get('deps'), c.get('claims'), c.req.valid('json'), network);
    return c.body(null, 200);
  })
  .put('/me/device', userToken, jsonBody(deviceSchema), async c => {
    await renameDevice(c.get('deps'), c.get('claims'), c.req.valid('json'));
    return c.body(null, 200);
  })
  .post('/me/photos', userToken, jsonBody(photoSchema), async c => {
    await attachPhoto(c.get('deps'), c.get('claims'), c.req.valid('json').photo);
    return c.body(null, 200);
  })
  .delete('/me/photos/:id', userToken, params(photoParameter), async c => {
    await detachPhoto(c.get('deps'), c.get('claims'), c.req.valid('param').id);
    return c.body(null, 200);
  });
