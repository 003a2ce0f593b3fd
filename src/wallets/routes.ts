import { Hono } from 'hono';
import { userToken } from '../http/authenticate.ts';
import type { AppEnv } from '../http/context.ts';
import { clientAddress, limitRate, originOf } from '../http/limits.ts';
import { jsonBody, query } from '../http/validate.ts';
import { chainSchema, nonceSchema, proofSchema, walletLocatorSchema } from './contract.ts';
import { presentProven, presentWallet } from './present.ts';
import { addWallet, issueChallenge, removeWallet, signInWithWallet } from './service.ts';

/** Wallet proof, mounted under `/wallet-proof`. No credential is needed: the signature is one. */
export const walletProofRoutes = new Hono<AppEnv>()
  .get('/nonce', limitRate('NONCE_LIMIT'), query(nonceSchema), async c =>
    c.json(await issueChallenge(c.get('deps'), c.req.valid('query'))),
  )
  .post('/verify', limitRate('NONCE_LIMIT'), query(chainSchema), jsonBody(proofSchema), async c => {
    const signedIn = await signInWithWallet(c.get('deps'), c.req.valid('json'), clientAddress(c.req.raw));
    return c.json(presentProven(signedIn));
  });

/** A user's own wallets among their locators, mounted under `/v1/users/me`. */
export const ownWalletRoutes = new Hono<AppEnv>()
  .post('/locators', limitRate('NONCE_LIMIT'), userToken, jsonBody(walletLocatorSchema), async c =>
    c.json(
      presentWallet(
        await addWallet(c.get('deps'), c.get('claims'), c.req.valid('json'), originOf(c.req.raw).network),
      ),
    ),
  )
  .delete('/locators', limitRate('NONCE_LIMIT'), userToken, jsonBody(walletLocatorSchema), async c => {
    const { network } = originOf(c.req.raw);
    await removeWallet(c.get('deps'), c.get('claims'), c.req.valid('json'), network);
    return c.body(null, 200);
  });
