/**
 * An entry of its own, `@krate/pki/ssh`, which loads nothing but Node: keys and certificates of SSH as they are on the wire and in
 * the files of OpenSSH. Start at `public-key.ts`.
 */
export * from "./certificate.ts";
export * from "./private-key.ts";
export * from "./public-key.ts";
export * from "./wire.ts";
