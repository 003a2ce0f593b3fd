import type { Deps } from '../deps.ts';
import { AppError } from '../errors.ts';
import { randomBytes, toBase64Url, uuid } from '../ids.ts';
import type { NewCode } from './contract.ts';
import { type CodeRow, deleteCode, insertCode, listCodes, restoreUse, spendUse } from './store.ts';

const CODE_BYTES = 16;

/**
 * Makes a user by `make`, if this deployment takes new ones: `REGISTRATION` says so, or a registration code that is spent
 * with it. Where `make` makes no user, the code's use is given back. Refuses `registration_closed` and
 * `registration_code_required`.
 */
export async function admitNewUser<Made>(
  deps: Pick<Deps, 'db' | 'now' | 'config'>,
  code: string | null | undefined,
  make: () => Promise<Made>,
): Promise<Made> {
  const { registration } = deps.config;
  if (registration === 'open') return make();
  if (registration === 'closed') {
    throw new AppError('registration_closed', { detail: 'The setting REGISTRATION is closed' });
  }
  const spent = code ? await spendUse(deps.db, await hashOf(code), deps.now()) : null;
  if (spent === null) throw new AppError('registration_code_required');
  const made = await make().catch(async error => {
    await restoreUse(deps.db, spent);
    throw error;
  });
  if (made === null) await restoreUse(deps.db, spent);
  return made;
}

/** Makes a registration code; refuses an end that is past. Its text is known only here. */
export async function createCode(
  deps: Pick<Deps, 'db' | 'now'>,
  { uses, expiresAt }: NewCode,
): Promise<{ row: CodeRow; code: string }> {
  const now = deps.now();
  if (expiresAt != null && expiresAt <= now) throw new AppError('invalid_input', inFuture);
  const code = `rc_${toBase64Url(randomBytes(CODE_BYTES))}`;
  const most = uses ?? 1;
  const counted = { uses: most, usesLeft: most };
  const row = {
    id: uuid(),
    codeHash: await hashOf(code),
    ...counted,
    createdAt: now,
    expiresAt: expiresAt ?? null,
  };
  await insertCode(deps.db, row);
  return { row, code };
}

/** The registration codes there are, the newest first. */
export async function readCodes({ db }: Pick<Deps, 'db'>): Promise<CodeRow[]> {
  return listCodes(db);
}

/** Revokes a registration code; refuses `registration_code_not_found`. The users it made stay. */
export async function revokeCode({ db }: Pick<Deps, 'db'>, id: string): Promise<void> {
  if (!(await deleteCode(db, id))) throw new AppError('registration_code_not_found');
}

/** A code has 128 random bits, so that a plain hash gives none of them away. */
async function hashOf(code: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(code));
  return toBase64Url(new Uint8Array(hash));
}

const inFuture = { errors: [{ path: 'expiresAt', message: 'must be in the future' }] };
