import { iso } from '../times.ts';
import type { CodeRow } from './store.ts';

/** A registration code in a list. */
export function presentCode({ id, uses, usesLeft, createdAt, expiresAt }: CodeRow) {
  return {
    id,
    uses,
    usesLeft,
    createdAt: iso(createdAt),
    expiresAt: expiresAt === null ? null : iso(expiresAt),
  };
}

/** A new registration code with its text, which is shown only now. */
export function presentNewCode({ row, code }: { row: CodeRow; code: string }) {
  return { ...presentCode(row), code };
}
