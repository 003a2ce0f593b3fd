import { fromStorage } from './faults.ts';

/** The bucket of uploads and files. Its faults are told from bugs. */
export function openFiles(bucket: R2Bucket): R2Bucket {
  return new Proxy(bucket, {
    get(target, property) {
      const member = Reflect.get(target, property);
      if (typeof member !== 'function') return member;
      return (...parameters: unknown[]) => fromStorage(async () => Reflect.apply(member, target, parameters));
    },
  });
}
