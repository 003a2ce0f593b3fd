import { callersBy } from './callers.ts';

/** Callers of the directory (`/v1`): they may sign their requests, or present an issued token in a header of its own. */
export const { userOrSystem, callerUnless, systemOnly } = callersBy({ signed: true });
