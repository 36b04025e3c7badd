import type { Identity } from "../ports.ts";

/** Registered keys, as they are now. Every answer is looked up anew, so that what was revoked opens nothing from then on. */
export interface SshKeys {
  /** Users the key may act as, in any namespace: none when it opens nothing. */
  usersOf(fingerprint: string): readonly string[];
  /** Who the holder of the key is to a repository, or undefined when it opens nothing there. */
  identityOf(fingerprint: string, target: { namespace: string; repository: string }): Identity | undefined;
  /** Remembers that a key opened something in a namespace. Costs the caller nothing, and may be forgotten. */
  used(fingerprint: string, namespace: string): void;
  /** Whether a person is switched off in a namespace. */
  isDisabled(user: string, namespace: string): boolean;
}
