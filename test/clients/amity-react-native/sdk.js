export { Client, UserRepository } from '@amityco/ts-sdk-react-native';
