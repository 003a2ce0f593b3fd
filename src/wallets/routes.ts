import { Hono } from 'hono';
import { clientAddress } from '../http/client-address.ts';
import type { AppEnv } from '../http/context.ts';
import { limitRate } from '../http/limits.ts';
import { jsonBody, query } from '../http/validate.ts';
import { chainSchema, nonceSchema, walletSignInSchema } from './contract.ts';
import { presentProven } from './present.ts';
import { issueChallenge, signInWithWallet } from './service.ts';

/** Wallet proof, mounted under `/wallet-proof`. No credential is needed: the signature is one. */
export const walletProofRoutes = new Hono<AppEnv>()
  .get('/nonce', limitRate('NONCE_LIMIT'), query(nonceSchema), async c =>
    c.json(await issueChallenge(c.get('deps'), c.req.valid('query'))),
  )
  .post('/verify', limitRate('NONCE_LIMIT'), query(chainSchema), jsonBody(walletSignInSchema), async c => {
    const signedIn = await signInWithWallet(c.get('deps'), c.req.valid('json'), clientAddress(c.req.raw));
    return c.json(presentProven(signedIn));
  });
