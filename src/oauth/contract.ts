import { z } from 'zod';

/** RFC 7662 §2.1 and RFC 7009 §2.1: a form. The hint is allowed and not needed: a token says its kind. */
export const tokenFormSchema = z.object({
  token: z.string().min(1).max(8192),
  token_type_hint: z.string().optional(),
});
