import sdk from '@mitter-io/node';

export const { AccessKeyApplicationCredentials, Mitter } = sdk;
