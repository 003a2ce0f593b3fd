/** How many objects share the keys that were spent. */
const SHARDS = 64;

/** The number of the object that remembers this key, by the first byte of its hash. */
export function shardOf(hash: Uint8Array): number {
  return (hash[0] ?? 0) % SHARDS;
}
