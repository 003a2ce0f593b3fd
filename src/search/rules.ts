import { lengthOf } from '../text.ts';

/**
 * How a text is searched: two characters as the beginning of a username, 3–32 anywhere in a name or username. Null: too
 * few or too many.
 */
export function searchKind(text: string): 'prefix' | 'substring' | null {
  const length = lengthOf(text);
  if (length === 2) return 'prefix';
  return length >= 3 && length <= 32 ? 'substring' : null;
}
