import { z } from 'zod';
import { userIdSchema } from '../users/contract.ts';

/** Whom the authToken is for. */
export const authTokenSchema = z.object({ userId: userIdSchema });
