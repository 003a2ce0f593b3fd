import { z } from 'zod';
import { registrationCodeSchema } from '../registration/contract.ts';

/** Clients fill in the template of the address and leave members empty that they do not have. */
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z.union([z.literal('').transform(() => undefined), schema]).optional();

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'must be 0x and 40 hex digits');

/** `GET /wallet-proof/nonce`. */
export const nonceSchema = z.object({
  walletAddress: optional(address),
  /** EIP-155. */
  chainId: optional(
    z
      .string()
      .regex(/^[1-9]\d{0,14}$/, 'must be a chain id')
      .transform(Number),
  ),
});

export type NonceRequest = z.infer<typeof nonceSchema>;

/** `POST /wallet-proof/verify?chain=`. */
export const chainSchema = z.object({ chain: z.literal('Ethereum') });

/** The proof of a wallet: our message or one of EIP-4361, and the wallet's signature over it. */
export const proofSchema = z.object({
  walletAddress: address,
  message: z.string().min(1).max(4096),
  signature: z
    .string()
    .max(8192)
    .regex(/^0x(?:[0-9a-fA-F]{2})+$/, 'must be 0x and bytes in hex'),
});

export type WalletProof = z.infer<typeof proofSchema>;

/** `POST /wallet-proof/verify`. */
export const walletSignInSchema = proofSchema.extend({ registrationCode: registrationCodeSchema });

export type WalletSignIn = z.infer<typeof walletSignInSchema>;

/** `POST` and `DELETE /v1/users/me/locators`, of a wallet. A user with a password sends it along. */
export const walletLocatorSchema = proofSchema.extend({
  '@type': z.literal('wallet'),
  password: z.string().max(10_000).nullish(),
});

/** A wallet to attach or remove, with its proof and perhaps the caller's password. */
export type WalletChange = z.infer<typeof walletLocatorSchema>;

export interface Challenge {
  nonce: number;
  /** Ready to be signed. */
  message: string;
}
