import { z } from 'zod';
import { nameSchema } from '../users/contract.ts';

/** `POST /v1/keys`. */
export const createKeySchema = z.object({
  name: nameSchema(100),
  kind: z.enum(['publishable', 'secret']),
});

export type CreateKey = z.infer<typeof createKeySchema>;
