import type { HonoRequest } from 'hono';
import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { fromBase64 } from '../ids.ts';
import { readAccessPair, readKey } from '../keys/rules.ts';
import { verifyKey } from '../keys/service.ts';
import type { Caller } from './caller.ts';
import { signerOf } from './signed-request.ts';

/** A username and a password of HTTP Basic (RFC 7617). */
export interface PasswordCredential {
  username: string;
  password: string;
}

/** The credentials that a route's clients send, beside a Bearer token and a secret key. */
export interface Ways {
  /** A signature, or an issued token in a header of its own. */
  signed?: boolean;
  /** A username and a password: HTTP Basic means these here, and not a secret key. */
  passwords?: boolean;
}

/** Who calls. Two credentials that name different callers are refused. */
export async function identify(deps: Deps, req: HonoRequest, ways: Ways): Promise<Caller> {
  const authorization = req.header('authorization');
  const serverKey = req.header('x-server-key');
  if (ways.passwords && readBasic(authorization) !== null) {
    throw new AppError('invalid_token', { detail: 'A Bearer token is expected' });
  }
  const signer = ways.signed ? await signerOf(deps, req) : null;
  const issued = ways.signed ? req.header(ISSUED_TOKEN) : undefined;
  const callers: Caller[] = [];
  if (signer !== null) {
    deps.noteCaller({ keyId: signer });
    callers.push({ kind: 'system', keyId: signer });
  } else if (authorization) callers.push(await fromAuthorization(deps, authorization));
  if (issued) callers.push(await fromAuthorization(deps, `Bearer ${issued.replace(/^Bearer +/i, '')}`));
  if (serverKey) callers.push(await system(deps, readKey(serverKey)));
  const [caller, ...others] = callers;
  if (!caller) throw new AppError('missing_credential');
  const disagree = others.some(other => nameOf(caller) !== nameOf(other));
  if (disagree) throw new AppError('conflicting_credentials');
  return caller;
}

/** The header that the directory's answers name for their tokens, beside `Authorization`. */
const ISSUED_TOKEN = 'x-issued-mitter-user-authorization';

/** Whether a request has a credential in any of the headers for one. */
export function presentsCredential(req: HonoRequest): boolean {
  return ['authorization', 'x-server-key', ISSUED_TOKEN].some(name => req.header(name) !== undefined);
}

export async function identifyUser(
  deps: Deps,
  req: HonoRequest,
  ways: Ways,
): Promise<Extract<Caller, { kind: 'user' }>> {
  const caller = await identify(deps, req, ways);
  if (caller.kind !== 'user') throw new AppError('not_allowed', { detail: 'A secret key is not a user' });
  return caller;
}

const nameOf = (caller: Caller): string => (caller.kind === 'user' ? caller.claims.sid : caller.keyId);

async function fromAuthorization(deps: Deps, authorization: string): Promise<Caller> {
  const basic = readBasic(authorization);
  if (basic === null) {
    const claims = await deps.keyRing.verify('access', bearer(authorization), deps.now());
    if (!claims) throw new AppError('invalid_token');
    const { uid, sid } = claims;
    deps.noteCaller({ uid, sid });
    return { kind: 'user', claims };
  }
  return system(deps, fromBasic(basic));
}

/** The username and the password of a Basic header, split at the first colon; null where there is no such header. */
export function readPasswordCredential(req: HonoRequest): PasswordCredential | null {
  const pair = readBasic(req.header('authorization'));
  if (pair === null) return null;
  refuseSecondCredential(req);
  const colon = pair.indexOf(':');
  return { username: pair.slice(0, Math.max(0, colon)), password: pair.slice(colon + 1) };
}

/**
 * The text a Basic header holds; null where the header is of another kind. The text is empty where it is not base64 of
 * UTF-8, or holds a U+0000: a hash pads a password with zeros, and so would take it for a shorter one.
 */
function readBasic(authorization: string | undefined): string | null {
  const basic = /^Basic +([\w+/=-]+)$/i.exec(authorization ?? '')?.[1];
  if (basic === undefined) return null;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      fromBase64(basic) ?? new Uint8Array(),
    );
    return text.includes('\0') ? '' : text;
  } catch {
    return '';
  }
}

/** `accessKey:accessSecret`; OAuth clients send each half form-encoded (RFC 6749 §2.3.1). */
function fromBasic(pair: string): ReturnType<typeof readKey> {
  const colon = pair.indexOf(':');
  const [name, secret] = [pair.slice(0, Math.max(0, colon)), pair.slice(colon + 1)];
  const plain = readAccessPair(name, secret);
  if (plain || !/%[0-9a-f]{2}/i.test(pair)) return plain;
  const form = new URLSearchParams(`name=${name}&secret=${secret}`);
  return readAccessPair(form.get('name') ?? '', form.get('secret') ?? '');
}

async function system(deps: Deps, presented: ReturnType<typeof readKey>): Promise<Caller> {
  if (!presented || !(await verifyKey(deps, presented, 'sk'))) throw new AppError('invalid_key');
  deps.noteCaller({ keyId: presented.id });
  return { kind: 'system', keyId: presented.id };
}

/** The token of an `Authorization: Bearer` header (RFC 6750 §2.1). */
export function bearer(authorization: string | undefined): string {
  if (!authorization) throw new AppError('missing_credential');
  const token = readBearer(authorization);
  if (!token) throw new AppError('invalid_token');
  return token;
}

export function readBearer(authorization: string | undefined): string | undefined {
  return /^Bearer +([\w.-]+)$/i.exec(authorization ?? '')?.[1];
}

/** A token is sent alone: a second credential is refused. */
export function refuseSecondCredential(req: HonoRequest): void {
  if (req.header('x-server-key') !== undefined) throw new AppError('conflicting_credentials');
}
