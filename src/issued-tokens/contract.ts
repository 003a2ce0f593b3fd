import { z } from 'zod';

const DAY_S = 86_400;

/** In seconds. */
const ttl = z
  .int()
  .min(60)
  .max(365 * DAY_S);

/** `POST /v1/users/{id}/tokens`. */
export const tokenRequestSchema = z.object({ ttl: ttl.nullish().transform(value => value ?? 30 * DAY_S) });

/** `PUT /v1/users/{id}/tokens/{tokenId}`. */
export const tokenExtensionSchema = z.object({ ttl });

/** `…/tokens/{t1,t2}`. */
export const tokenIdsParameter = z.object({
  tokenIds: z
    .string()
    .transform(text => [...new Set(text.split(','))])
    .pipe(z.array(z.string().min(1).max(100)).max(100)),
});

/** `GET /v1/users/me/logout?token=`. */
export const logoutSchema = z.object({ token: z.string().max(4096).optional() });
