import { lengthOf } from '../text.ts';

/**
 * What a search text is looked for as: two characters begin a username, 3–32 stand anywhere in a name or username.
 * Null: too few to look for, or too many.
 */
export function searchKind(text: string): 'prefix' | 'substring' | null {
  const length = lengthOf(text);
  if (length === 2) return 'prefix';
  return length >= 3 && length <= 32 ? 'substring' : null;
}
