import { z } from 'zod';
import { nameSchema, userIdSchema } from '../users/contract.ts';

/** A key has the alphabet of userIds, so that it fits in a path and commas can separate several. */
const keySchema = userIdSchema;
/** A content type or an encoding, in the application's own words. */
const formSchema = nameSchema(255);
const formsSchema = z.array(formSchema).min(1).max(50);

/** `POST /v1/attribute-def/users`. */
export const attributeDefSchema = z.object({
  key: keySchema,
  allowedContentTypes: formsSchema,
  allowedContentEncodings: formsSchema,
  canBeEmpty: z
    .boolean()
    .nullish()
    .transform(given => given ?? true),
});

/** In bytes of UTF-8. */
const LONGEST_VALUE = 16 * 1024;
const utf8 = new TextEncoder();

/** Stored byte for byte. Its content type and encoding say what it means. */
const valueSchema = z
  .string()
  .refine(
    text => utf8.encode(text).length <= LONGEST_VALUE,
    `must be at most ${LONGEST_VALUE} bytes of UTF-8`,
  );

const attributeSchema = z.object({
  key: keySchema,
  contentType: formSchema.nullish().transform(given => given ?? 'text/plain'),
  contentEncoding: formSchema.nullish().transform(given => given ?? 'identity'),
  value: valueSchema,
});

/** `POST /v1/users/{userId}/profile`. */
export const profileSchema = z.object({ attributes: z.array(attributeSchema).min(1).max(64) });

/** `POST /v1/users/{userId}/profile/{key}`. The body may leave the key out, because the path has it. */
export const oneAttributeSchema = attributeSchema.extend({ key: keySchema.nullish() });

export const keyParameter = z.object({ key: keySchema });
export const attributeParameter = z.object({ userId: z.string(), key: keySchema });

/** `GET /v1/users/{userId}/profile/{keys}`: comma-separated. */
export const attributesParameter = z.object({
  userId: z.string(),
  keys: z
    .string()
    .transform(text => text.split(','))
    .pipe(z.array(keySchema).max(64)),
});

export type AttributeGiven = z.infer<typeof oneAttributeSchema>;
