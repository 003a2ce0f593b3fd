import { callersBy } from './callers.ts';

/** Callers under `/users`, where HTTP Basic means a username and a password. */
export const { userToken, optionalUserToken, passwordOrToken } = callersBy({ passwords: true });
