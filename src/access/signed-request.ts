import { createHash } from 'node:crypto';
import type { HonoRequest } from 'hono';
import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { readBytes } from '../http/body.ts';
import { verifySignature } from '../keys/service.ts';

const AUTH = /^Auth +([^\s:]{1,100}):([A-Za-z0-9+/=]{1,100})$/i;

/**
 * The secret key a request was signed with: `Authorization: Auth <accessKey>:<digest>` over method, content type, MD5 of
 * the body, date, raw path and nonce. The query is not bound. Refuses `invalid_signature` for every fault; null
 * where the request has no such signature.
 */
export async function signerOf(deps: Deps, req: HonoRequest): Promise<string | null> {
  const [, accessKey, digest] = AUTH.exec(req.header('authorization') ?? '') ?? [];
  if (accessKey === undefined || digest === undefined) return null;
  const [date, nonce, md5] = [req.header('date'), req.header('nonce'), req.header('content-md5')];
  const named = req.header('x-mitter-application-access-key');
  if (date === undefined || !nonce || md5 === undefined || named !== accessKey) throw invalid('Headers');
  const bytes = await readBytes(req);
  if (createHash('md5').update(bytes).digest('base64') !== md5) throw invalid('Content-MD5');
  const keyId = await verifySignature(deps, {
    accessKey,
    digest,
    method: req.method,
    contentType: req.header('content-type') ?? 'null',
    contentMd5: md5,
    date,
    path: new URL(req.url).pathname,
    nonce,
  });
  if (keyId === null) throw invalid('The digest, its date or its nonce');
  return keyId;
}

const invalid = (what: string) =>
  new AppError('invalid_signature', { detail: `${what} must be as the documents say` });
