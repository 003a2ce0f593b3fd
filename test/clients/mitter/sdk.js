export { Mitter as CoreMitter } from '@mitter-io/core';
export { Mitter as WebMitter } from '@mitter-io/web';
