/** A bounded memory of what was looked up lately. A clock that jumps either way makes an entry old. */
export interface ExpiringMap<Key, Value> {
  get(key: Key, now: number): Value | undefined;
  set(key: Key, value: Value, now: number): void;
  delete(key: Key): void;
  clear(): void;
}

/** Keeps an entry for `lifeMs`; at `most` entries it forgets them all and begins again. */
export function makeExpiringMap<Key, Value>(lifeMs: number, most: number): ExpiringMap<Key, Value> {
  const entries = new Map<Key, { value: Value; at: number }>();

  return {
    get(key, now) {
      const entry = entries.get(key);
      return entry && Math.abs(now - entry.at) < lifeMs ? entry.value : undefined;
    },
    set(key, value, now) {
      if (entries.size >= most && !entries.has(key)) entries.clear();
      entries.set(key, { value, at: now });
    },
    delete: key => void entries.delete(key),
    clear: () => entries.clear(),
  };
}
