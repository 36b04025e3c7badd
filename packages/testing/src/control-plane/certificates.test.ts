import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type TemporaryFolder, temporaryFolder } from "../temp-dir.ts";
import { certificateAuthority, issueCertificate, signingKeyFiles } from "./certificates.ts";

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder("certificates");
});
afterEach(() => folder.remove());

const read = (file: string) => new X509Certificate(readFileSync(file));

test("an authority is made once and signs what it issues", async () => {
  const made = await certificateAuthority(join(folder.path, "ca"), "test-ca");
  const again = await certificateAuthority(join(folder.path, "ca"), "another name changes nothing");
  const issued = await issueCertificate(again, join(folder.path, "ada"), {
    name: "ada",
    groups: ["developers", "admins"],
  });
  const certificate = read(issued.certFile);
  expect(certificate.checkIssued(read(made.certFile))).toBe(true);
  expect(certificate.verify(read(made.certFile).publicKey)).toBe(true);
  expect(certificate.subject.split("\n")).toEqual(["O=developers", "O=admins", "CN=ada"]);
});

test("a server answers to its hosts, by name and by address", async () => {
  const ca = await certificateAuthority(join(folder.path, "ca"), "test-ca");
  const { certFile } = await issueCertificate(ca, join(folder.path, "server"), {
    name: "server",
    hosts: ["localhost", "127.0.0.1"],
  });
  const certificate = read(certFile);
  expect(certificate.checkHost("localhost")).toBe("localhost");
  expect(certificate.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(certificate.checkHost("example.com")).toBeUndefined();
});

test("nobody else may read a private key", async () => {
  const { keyFile } = await certificateAuthority(join(folder.path, "ca"), "test-ca");
  const { privateKeyFile } = await signingKeyFiles(join(folder.path, "service-account"));
  for (const file of [keyFile, privateKeyFile]) expect(statSync(file).mode & 0o777).toBe(0o600);
});
