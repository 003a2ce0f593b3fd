export { Client, UserRepository } from '@amityco/ts-sdk';
