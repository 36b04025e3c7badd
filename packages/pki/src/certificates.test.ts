import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { certificateAuthority, issueCertificate, signingKeyFiles } from "./index.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "krate-pki-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (file: string) => new X509Certificate(readFileSync(file));

test("an authority is made once and signs what it issues", async () => {
  const made = await certificateAuthority(join(folder, "ca"), "test-ca");
  const again = await certificateAuthority(join(folder, "ca"), "another name changes nothing");
  const issued = await issueCertificate(again, join(folder, "ada"), {
    name: "ada",
    groups: ["developers", "admins"],
  });
  const certificate = read(issued.certFile);
  expect(certificate.checkIssued(read(made.certFile))).toBe(true);
  expect(certificate.verify(read(made.certFile).publicKey)).toBe(true);
  expect(certificate.subject.split("\n")).toEqual(["O=developers", "O=admins", "CN=ada"]);
});

test("a server answers to its hosts, by name and by address", async () => {
  const ca = await certificateAuthority(join(folder, "ca"), "test-ca");
  const { certFile } = await issueCertificate(ca, join(folder, "server"), {
    name: "server",
    hosts: ["localhost", "127.0.0.1"],
  });
  const certificate = read(certFile);
  expect(certificate.checkHost("localhost")).toBe("localhost");
  expect(certificate.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(certificate.checkHost("example.com")).toBeUndefined();
});

test("nobody else may read a private key", async () => {
  const { keyFile } = await certificateAuthority(join(folder, "ca"), "test-ca");
  const { privateKeyFile } = await signingKeyFiles(join(folder, "service-account"));
  for (const file of [keyFile, privateKeyFile]) expect(statSync(file).mode & 0o777).toBe(0o600);
});
