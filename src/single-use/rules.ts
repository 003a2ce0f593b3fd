/** How many objects share the load of remembering what was spent. */
const SHARDS = 64;

/** The object that remembers this key, by the first byte of its hash. */
export function shardOf(hash: Uint8Array): string {
  return `spent-${(hash[0] ?? 0) % SHARDS}`;
}
