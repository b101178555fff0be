import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { FleetError } from '@wheelhouse/shared/errors/fleet-error';

/** Encrypts what must not lie readable in the store (repository credentials). The key is kept outside of it. */
export interface Seal {
  seal(plain: Uint8Array): Buffer;
  open(sealed: Uint8Array): Buffer;
}

/** AES-256-GCM: 12 bytes nonce, 16 bytes tag, ciphertext. `key` is 32 bytes. */
export function createSeal(key: Uint8Array): Seal {
  return {
    seal: (plain) => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const body = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]);
    },
    open: (sealed) => {
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
        decipher.setAuthTag(sealed.subarray(12, 28));
        return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
      } catch (error) {
        throw new FleetError(
          'Internal',
          'cannot open a sealed entry: the sealing key is not the one it was written with',
          { retryable: false, cause: error },
        );
      }
    },
  };
}
