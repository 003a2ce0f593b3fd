import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { createSiweMessage } from 'viem/siwe';
import { type Answer, type Call, call, claimsOf, elsewhere, ORIGIN, type SignedIn } from './client.ts';

export const { host: DOMAIN } = new URL(ORIGIN);

export { elsewhere };

export const newWallet = (): PrivateKeyAccount => privateKeyToAccount(generatePrivateKey());

type Send = (method: string, path: string, options?: Call) => Promise<Answer>;

export function askNonce(query: Record<string, string> = {}, send: Send = call): Promise<Answer> {
  return send('GET', `/wallet-proof/nonce?${new URLSearchParams(query)}`, { headers: elsewhere() });
}

export async function nonceFor(
  { address }: { address: string },
  query: Record<string, string> = {},
): Promise<{ nonce: string; message: string }> {
  const { status, body } = await askNonce({ walletAddress: address, ...query });
  if (status !== 200) throw new Error(`nonce: ${status} ${JSON.stringify(body)}`);
  return { nonce: String(body.nonce), message: body.message };
}

/** A message of a client's own making: as viem writes it, for this deployment and right now. */
export function messageOf(
  { address }: Pick<PrivateKeyAccount, 'address'>,
  nonce: string,
  changes: Partial<Parameters<typeof createSiweMessage>[0]> = {},
): string {
  const now = new Date();
  return createSiweMessage({
    address,
    nonce,
    domain: DOMAIN,
    uri: `${ORIGIN}/login`,
    version: '1',
    chainId: 1,
    issuedAt: now,
    ...changes,
  });
}

export function verify(body: unknown, send: Send = call, query = '?chain=Ethereum'): Promise<Answer> {
  return send('POST', `/wallet-proof/verify${query}`, { body, headers: elsewhere() });
}

/** Signs a message and sends it, as the wallet that signed. */
export async function prove(wallet: PrivateKeyAccount, message: string, send: Send = call): Promise<Answer> {
  const signature = await wallet.signMessage({ message });
  return verify({ walletAddress: wallet.address, message, signature }, send);
}

/** Signs the user of this wallet in, by the message the server wrote. */
export async function signInBy(wallet: PrivateKeyAccount): Promise<SignedIn> {
  const { message } = await nonceFor(wallet);
  const { status, body } = await prove(wallet, message);
  if (status !== 200) throw new Error(`wallet proof: ${status} ${JSON.stringify(body)}`);
  const { uid, sub, sid } = claimsOf(body.token) as { uid: number; sub: string; sid: string };
  return { uid, userId: sub, sid, accessToken: body.token, refreshToken: body.refreshToken };
}
