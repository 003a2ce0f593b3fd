import { makeSocialApp } from '../social-app.ts';
import * as sdk from './sdk.js';

export const app = makeSocialApp(sdk);
